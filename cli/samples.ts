// Three short generated scenes, so that the first feed is worth a look: a dusk, an aurora, a tide.
// Drawn by FFmpeg's own filters: still layers computed once, moved by `overlay`, so that each takes
// a few seconds of one core.
import path from 'node:path'
import { run } from './processes.ts'

export interface Sample {
  title: string
  size: [width: number, height: number]
  /** Expressions of FFmpeg's `geq`, 0 to 255; drawn once, at half the size. */
  sky: { r: string; g: string; b: string }
  /** Hills or waves, the farthest first. */
  ridges: Ridge[]
  /** In hertz; fades in and out. */
  chord: number[]
}

/** A line of hills or waves that slides past. */
interface Ridge {
  color: string
  /** Of the picture's height, from the top. */
  top: number
  /** Of its width, per second; negative to the left. */
  speed: number
  /** Whole waves per width, so that it repeats without a seam. */
  waves: number
  phase: number
}

const seconds = 6
const rate = 24

const sun = 'hypot(X-W*0.62,Y-H*0.47)'
const disc = `clip(W*0.105-${sun},0,1)`
// The same random number in all three colours.
const star = '255*gt(random(1),0.9985)*(1-Y/H)'
const curtain = '(0.5+0.5*sin(X/34+1.8*sin(Y/208)))*exp(-pow((Y-H*0.37-48*sin(X/80))/110,2))'
const glow = 'exp(-hypot(X-W*0.3,Y-H*0.3)/75)'

export const samples: Sample[] = [
  {
    title: 'Aurora',
    size: [720, 1280],
    sky: {
      r: `6+20*Y/H+${star}+60*pow(${curtain},3)`,
      g: `10+34*Y/H+${star}+190*${curtain}`,
      b: `30+48*Y/H+${star}+110*pow(${curtain},1.5)`,
    },
    ridges: [
      { color: '0x0a1a2c', top: 0.71, speed: 0.014, waves: 1, phase: 1 },
      { color: '0x040c18', top: 0.82, speed: 0.03, waves: 1, phase: 3.3 },
    ],
    chord: [130.81, 196, 311.13],
  },
  {
    title: 'Tide',
    size: [1280, 720],
    sky: {
      r: `166+70*Y/H+42*${glow}`,
      g: `176+30*Y/H+56*${glow}`,
      b: `220-30*Y/H+24*${glow}`,
    },
    ridges: [
      { color: '0x7ebec4', top: 0.47, speed: 0.02, waves: 2, phase: 0.4 },
      { color: '0x4696aa', top: 0.58, speed: -0.035, waves: 2, phase: 2.1 },
      { color: '0x206c8c', top: 0.69, speed: 0.055, waves: 1, phase: 4 },
      { color: '0x0e4264', top: 0.82, speed: -0.08, waves: 1, phase: 5.2 },
    ],
    chord: [174.61, 220, 261.63],
  },
  {
    title: 'Dusk over the hills',
    size: [720, 1280],
    sky: {
      r: `28+322*pow(Y/H,1.1)+90*exp(-${sun}/75)+200*${disc}`,
      g: `18+192*pow(Y/H,1.8)+75*exp(-${sun}/65)+130*${disc}`,
      b: `74+70*sin(PI*Y/H*0.9)-60*pow(Y/H,3)+40*exp(-${sun}/60)+60*${disc}`,
    },
    ridges: [
      { color: '0xc45c6e', top: 0.57, speed: 0.016, waves: 1, phase: 0.4 },
      { color: '0x8c3a68', top: 0.65, speed: 0.032, waves: 1, phase: 2.1 },
      { color: '0x542458', top: 0.73, speed: 0.056, waves: 1, phase: 4 },
      { color: '0x26123a', top: 0.83, speed: 0.09, waves: 1, phase: 5.2 },
    ],
    chord: [196, 246.94, 293.66],
  },
]

/** Writes one sample into `folder`. */
export async function makeSample(
  sample: Sample,
  folder: string,
  ffmpegPath: string,
  signal: AbortSignal,
): Promise<string> {
  const file = path.join(folder, `${sample.title}.mp4`)
  const output = `-map [picture] -map [sound] -t ${seconds} -c:v libx264 -preset veryfast -crf 20 -g ${2 * rate} -c:a aac -b:a 96k -ac 2 -movflags +faststart`
  const args = ['-v', 'error', '-filter_complex', draw(sample), ...output.split(' '), file]
  await run('ffmpeg', ffmpegPath, args, { cwd: folder, show: 'nothing', signal })
  return file
}

function draw({ size: [width, height], sky: { r, g, b }, ridges, chord }: Sample): string {
  const one = `:r=${rate}:d=0.04` // a single frame
  // `loop` alone gives every copy the first one's time.
  const repeated = `loop=-1:1,setpts=N/${rate}/TB`
  const stripHeight = even(height * 0.14)
  const ground = ridges.map(
    ({ color, top }) => `drawbox=y=${even(height * top) + stripHeight}:h=ih:t=fill:color=${color}`,
  )
  const graph = [
    // A little noise against banding.
    `nullsrc=s=${width / 2}x${height / 2}${one},format=gbrp,geq=r='clip(${r},0,255)':g='clip(${g},0,255)':b='clip(${b},0,255)',` +
      `scale=${width}:${height}:flags=bicubic,format=yuv420p,noise=alls=2,${repeated},${ground.join(',')}[layer0]`,
  ]
  ridges.forEach((ridge, index) => {
    const next = index + 1 === ridges.length ? 'picture' : `layer${index + 1}`
    graph.push(
      `color=${ridge.color}:s=${2 * width}x${stripHeight}${one},format=yuv420p[color${index}]`,
      `nullsrc=s=${width}x${stripHeight}${one},format=gray,geq=lum='${outline(ridge)}',split[left${index}][right${index}]`,
      `[left${index}][right${index}]hstack[outline${index}]`,
      `[color${index}][outline${index}]alphamerge,${repeated}[strip${index}]`,
      `[layer${index}][strip${index}]overlay=x='-mod(W*(10+${ridge.speed}*t),W)':y=${even(height * ridge.top)}[${next}]`,
    )
  })
  const tones = chord.map((hertz, i) => `0.05*sin(2*PI*${hertz}*t)*(0.7+0.3*sin(2*PI*${0.2 + i * 0.11}*t))`)
  graph.push(
    `aevalsrc='${tones.join('+')}':s=48000:d=${seconds},afade=d=1.5,afade=t=out:st=${seconds - 2}:d=2[sound]`,
  )
  return graph.join(';')
}

/** Opaque below the ridge's line, with a soft edge of one pixel. */
function outline({ waves, phase }: Ridge): string {
  const angle = '2*PI*X/W'
  const line = `sin(${angle}*${waves}+${phase})+0.5*sin(${angle}*${2 * waves + 1}+${2 * phase})+0.22*sin(${angle}*${5 * waves + 1}+${phase})`
  return `255*clip(Y-H*(0.5-0.27*(${line})),0,1)`
}

/** Chroma is stored for every second line: a border between two would show. */
function even(value: number): number {
  return 2 * Math.round(value / 2)
}
