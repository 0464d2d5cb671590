// Three short generated scenes, so that the first feed is worth a look: a dusk, an aurora, a tide.
// Drawn by FFmpeg's own filters: still layers computed once, moved by `overlay`, so that each takes
// a few seconds of one core.
import path from 'node:path'
import { run } from './processes.ts'

export interface Sample {
  title: string
  fileName: string
  /** FFmpeg's arguments without the output file. */
  args: string[]
}

const seconds = 6
const rate = 24

// `loop` alone gives every copy the first one's time.
const repeated = `loop=-1:1,setpts=N/${rate}/TB`

/** A line of hills or waves that slides past. */
interface Ridge {
  color: [red: number, green: number, blue: number]
  /** Of the picture's height, from the top. */
  top: number
  /** Of its width, per second; negative to the left. */
  speed: number
  /** Whole waves per width, so that it repeats without a seam. */
  waves: number
  phase: number
}

/** Writes one sample into `folder`. */
export async function makeSample(
  sample: Sample,
  folder: string,
  ffmpegPath: string,
  signal: AbortSignal,
): Promise<string> {
  const file = path.join(folder, sample.fileName)
  await run('ffmpeg', ffmpegPath, [...sample.args, file], { cwd: folder, show: 'nothing', signal })
  return file
}

export const samples: Sample[] = [aurora(), tide(), dusk()]

function dusk(): Sample {
  const [width, height] = [720, 1280]
  const fromSun = 'hypot(X-W*0.62,Y-H*0.47)'
  const disc = `clip(W*0.105-${fromSun},0,1)`
  const sky = still(width, height, {
    r: `28+322*pow(Y/H,1.1)+90*exp(-${fromSun}/75)+200*${disc}`,
    g: `18+192*pow(Y/H,1.8)+75*exp(-${fromSun}/65)+130*${disc}`,
    b: `74+70*sin(PI*Y/H*0.9)-60*pow(Y/H,3)+40*exp(-${fromSun}/60)+60*${disc}`,
  })
  const ridges: Ridge[] = [
    { color: [196, 92, 110], top: 0.57, speed: 0.016, waves: 1, phase: 0.4 },
    { color: [140, 58, 104], top: 0.65, speed: 0.032, waves: 1, phase: 2.1 },
    { color: [84, 36, 88], top: 0.73, speed: 0.056, waves: 1, phase: 4 },
    { color: [38, 18, 58], top: 0.83, speed: 0.09, waves: 1, phase: 5.2 },
  ]
  return scene(
    'Dusk over the hills',
    'dusk.mp4',
    [width, height],
    [`${sky}[back]`],
    ridges,
    [196, 246.94, 293.66],
  )
}

function aurora(): Sample {
  const [width, height] = [720, 1280]
  // The stars: the same random number in all three colours.
  const star = '255*gt(random(1),0.9985)*(1-Y/H)'
  const sky = planes({ r: `6+20*Y/H+${star}`, g: `10+34*Y/H+${star}`, b: `30+48*Y/H+${star}` })
  // The light is soft: drawn at a sixteenth of the size.
  const light = {
    r: '70*pow(0.5+0.5*sin(X/5.5+1.6*sin(Y/30+T*0.5)+T*0.5),2)*exp(-pow((Y-20-5*sin(X/9+T*0.6))/11,2))',
    g: '190*pow(0.5+0.5*sin(X/4.2+1.8*sin(Y/26-T*0.4)-T*0.45),1.6)*exp(-pow((Y-30-6*sin(X/10+T*0.6))/12,2))+40*exp(-pow((Y-32)/16,2))',
    b: '120*pow(0.5+0.5*sin(X/4.9+1.7*sin(Y/28)+T*0.35),1.8)*exp(-pow((Y-25-6*sin(X/10+T*0.6))/15,2))+34*exp(-pow((Y-28)/20,2))',
  }
  const back = [
    `nullsrc=s=${width / 2}x${height / 2}:r=${rate}:d=0.04,format=gbrp,geq=${sky},${repeated}[sky]`,
    `nullsrc=s=${width / 16}x${height / 16}:r=${rate}:d=${seconds},format=gbrp,geq=${planes(light)},` +
      `scale=${width / 2}:${height / 2}:flags=bicubic,format=gbrp[light]`,
    `[sky][light]blend=all_mode=screen,scale=${width}:${height}:flags=bicubic,format=yuv420p[back]`,
  ]
  const ridges: Ridge[] = [
    { color: [10, 26, 44], top: 0.71, speed: 0.014, waves: 1, phase: 1 },
    { color: [4, 12, 24], top: 0.82, speed: 0.03, waves: 1, phase: 3.3 },
  ]
  return scene('Aurora', 'aurora.mp4', [width, height], back, ridges, [130.81, 196, 311.13])
}

function tide(): Sample {
  const [width, height] = [1280, 720]
  const glow = 'exp(-hypot(X-W*0.3,Y-H*0.3)/75)'
  const sky = still(width, height, {
    r: `166+70*Y/H+42*${glow}`,
    g: `176+30*Y/H+56*${glow}`,
    b: `220-30*Y/H+24*${glow}`,
  })
  const ridges: Ridge[] = [
    { color: [126, 190, 196], top: 0.47, speed: 0.02, waves: 2, phase: 0.4 },
    { color: [70, 150, 170], top: 0.58, speed: -0.035, waves: 2, phase: 2.1 },
    { color: [32, 108, 140], top: 0.69, speed: 0.055, waves: 1, phase: 4 },
    { color: [14, 66, 100], top: 0.82, speed: -0.08, waves: 1, phase: 5.2 },
  ]
  return scene('Tide', 'tide.mp4', [width, height], [`${sky}[back]`], ridges, [174.61, 220, 261.63])
}

/** `back` ends in the label `[back]`; the chord, in hertz, fades in and out. */
function scene(
  title: string,
  fileName: string,
  [width, height]: [number, number],
  back: string[],
  ridges: Ridge[],
  chord: number[],
): Sample {
  const stripHeight = even(height * 0.14)
  const ground = ridges.map(
    ({ color, top }) => `drawbox=y=${even(height * top) + stripHeight}:h=ih:t=fill:color=${hex(color)}`,
  )
  const graph = [...back, `[back]${ground.join(',')}[layer0]`]
  ridges.forEach((ridge, index) => {
    graph.push(
      `color=${hex(ridge.color)}:s=${2 * width}x${stripHeight}:r=${rate}:d=0.04,format=yuv420p[color${index}]`,
      `nullsrc=s=${width}x${stripHeight}:r=${rate}:d=0.04,format=gray,geq=lum='${outline(ridge)}',split[left${index}][right${index}]`,
      `[left${index}][right${index}]hstack[outline${index}]`,
      `[color${index}][outline${index}]alphamerge,${repeated}[strip${index}]`,
      `[layer${index}][strip${index}]overlay=x='-mod(W*(10+${ridge.speed}*t),W)':y=${even(height * ridge.top)}[layer${index + 1}]`,
    )
  })
  const tones = chord.map((hertz, i) => `0.05*sin(2*PI*${hertz}*t)*(0.7+0.3*sin(2*PI*${0.2 + i * 0.11}*t))`)
  graph.push(
    `aevalsrc='${tones.join('+')}':s=48000:d=${seconds},afade=d=1.5,afade=t=out:st=${seconds - 2}:d=2[sound]`,
  )
  return {
    title,
    fileName,
    args: [
      ...['-hide_banner', '-loglevel', 'error', '-y'],
      ...['-filter_complex', graph.join(';')],
      ...['-map', `[layer${ridges.length}]`, '-map', '[sound]', '-t', String(seconds), '-r', String(rate)],
      ...[
        '-c:v',
        'libx264',
        '-preset',
        'veryfast',
        '-crf',
        '20',
        '-pix_fmt',
        'yuv420p',
        '-g',
        String(2 * rate),
      ],
      ...['-c:a', 'aac', '-b:a', '96k', '-ac', '2', '-movflags', '+faststart'],
    ],
  }
}

/** Opaque below the ridge's line, with a soft edge of one pixel. */
function outline({ waves, phase }: Ridge): string {
  const angle = '2*PI*X/W'
  const line = `sin(${angle}*${waves}+${phase})+0.5*sin(${angle}*${2 * waves + 1}+${2 * phase})+0.22*sin(${angle}*${5 * waves + 1}+${phase})`
  return `255*clip(Y-H*(0.5-0.27*(${line})),0,1)`
}

/** One picture, computed once at half its size and repeated; a little noise against banding. */
function still(width: number, height: number, colors: Colors): string {
  const half = `nullsrc=s=${width / 2}x${height / 2}:r=${rate}:d=0.04,format=gbrp,geq=${planes(colors)}`
  return `${half},scale=${width}:${height}:flags=bicubic,format=yuv420p,noise=alls=2,${repeated}`
}

interface Colors {
  r: string
  g: string
  b: string
}

function planes({ r, g, b }: Colors): string {
  return `r='clip(${r},0,255)':g='clip(${g},0,255)':b='clip(${b},0,255)'`
}

/** Chroma is stored for every second line: a border between two would show. */
function even(value: number): number {
  return 2 * Math.round(value / 2)
}

function hex(color: Ridge['color']): string {
  return `0x${color.map(value => value.toString(16).padStart(2, '0')).join('')}`
}
