// What people would run instead, written as they would write it: one FFmpeg for the whole ladder, or
// a command for each output. The settings are the product's own; equal SSIM shows that they are.
import { mkdir } from 'node:fs/promises'
import { run } from '#cli/processes.ts'

interface Rung {
  name: string
  height: number
  width: number
  kbps: number
  bufferKbit: number
  x264: { preset: string; crf: number; 'rc-lookahead'?: number }
}

const LARGE = { preset: 'veryfast', crf: 23 }
const SMALL = { preset: 'faster', 'rc-lookahead': 40 }

export const RUNGS: Rung[] = [
  { name: 'v1080', height: 1080, width: 1920, kbps: 5000, bufferKbit: 10_000, x264: LARGE },
  { name: 'v720', height: 720, width: 1280, kbps: 2800, bufferKbit: 5600, x264: LARGE },
  { name: 'v480', height: 480, width: 854, kbps: 1400, bufferKbit: 2800, x264: LARGE },
  { name: 'v360', height: 360, width: 640, kbps: 800, bufferKbit: 1600, x264: { ...SMALL, crf: 25.6 } },
  { name: 'v240', height: 240, width: 426, kbps: 400, bufferKbit: 800, x264: { ...SMALL, crf: 25.2 } },
  { name: 'low', height: 180, width: 320, kbps: 80, bufferKbit: 36, x264: { preset: 'medium', crf: 23 } },
]

export const SOUNDS = [
  { name: 'audio', kbps: 128 },
  { name: 'audio-low', kbps: 64 },
]

/** A group of pictures is two seconds of a clip at 30 frames a second, a segment as well. */
const GOP = ['-g', '60', '-keyint_min', '60', '-sc_threshold', '0']
const HLS = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4']
const AUDIO = ['-c:a', 'aac', '-ac', '2', '-ar', '48000']

type Ffmpeg = (args: string[]) => Promise<void>

/** FFmpeg in a folder, at the priority that the worker gives it. */
export async function openFfmpeg(folder: string, signal: AbortSignal): Promise<Ffmpeg> {
  await mkdir(folder, { recursive: true })
  return async args => {
    const quietly = ['-n', '19', 'ffmpeg', '-nostdin', '-y', '-v', 'error', ...args]
    await run('ffmpeg', 'nice', quietly, { cwd: folder, show: 'nothing', signal })
  }
}

/** One decode, every rung and the sound, then the MP4 by remux. */
export async function oneCommand(ffmpeg: Ffmpeg, clip: string): Promise<void> {
  const chains = RUNGS.map(({ width, height }, i) => `[s${i}]scale=${width}:${height}[v${i}]`)
  const split = `[0:v]split=${RUNGS.length}${RUNGS.map((_, i) => `[s${i}]`).join('')}`
  const sounds = SOUNDS.map(({ name }, i) => `a:${i},agroup:${name},name:${name}`)
  const streams = RUNGS.map(({ name }, i) => {
    return `v:${i},agroup:${name === 'low' ? 'audio-low' : 'audio'},name:${name}`
  })
  await ffmpeg([
    ...['-i', clip, '-filter_complex', [split, ...chains].join(';')],
    ...RUNGS.flatMap((_, i) => ['-map', `[v${i}]`]),
    ...SOUNDS.flatMap(({ kbps }, i) => ['-map', '0:a', `-b:a:${i}`, `${kbps}k`]),
    ...RUNGS.flatMap((rung, i) => x264(rung, `:v:${i}`)),
    ...[...GOP, ...AUDIO, ...HLS, '-hls_flags', 'independent_segments'],
    ...['-var_stream_map', [...streams, ...sounds].join(' ')],
    ...['-master_pl_name', 'master.m3u8', '-hls_segment_filename', '%v/%05d.m4s', '%v/index.m3u8'],
  ])
  const inputs = ['v720', 'audio'].flatMap(name => ['-allowed_extensions', 'ALL', '-i', `${name}/index.m3u8`])
  await ffmpeg([
    ...inputs,
    '-map',
    '0:v',
    '-map',
    '1:a',
    '-c',
    'copy',
    '-movflags',
    '+faststart',
    'video.mp4',
  ])
}

/** Each output from the source, by a command of its own: rungs, sound, poster, sprites. */
export async function commandPerOutput(ffmpeg: Ffmpeg, clip: string): Promise<void> {
  for (const rung of RUNGS) {
    await ffmpeg(['-i', clip, '-an', ...encode(rung), ...HLS, ...apart(rung.name)])
  }
  for (const { name, kbps } of SOUNDS) {
    await ffmpeg(['-i', clip, '-vn', ...AUDIO, '-b:a', `${kbps}k`, ...HLS, ...apart(name)])
  }
  await ffmpeg(['-ss', '1', '-i', clip, '-frames:v', '1', '-q:v', '4', '-update', '1', 'poster.jpg'])
  const sprites = ['-vf', 'fps=1/2,scale=160:-2,tile=5x3', '-frames:v', '1', '-update', '1']
  await ffmpeg(['-i', clip, ...sprites, 'sprites.jpg'])
}

/** The MP4 as one more output of that kind: encoded once more. */
export async function commandForMp4(ffmpeg: Ffmpeg, clip: string): Promise<void> {
  const rung = RUNGS.find(({ height }) => height === 720)
  if (rung)
    await ffmpeg([
      '-i',
      clip,
      ...encode(rung),
      ...AUDIO,
      '-b:a',
      '128k',
      '-movflags',
      '+faststart',
      'video.mp4',
    ])
}

function encode(rung: Rung): string[] {
  return ['-vf', `scale=${rung.width}:${rung.height}`, ...x264(rung, ':v'), ...GOP]
}

/** @param of which output of several */
function x264({ kbps, bufferKbit, x264: options }: Rung, of: string): string[] {
  const all = { c: 'libx264', profile: 'high', ...options, maxrate: `${kbps}k`, bufsize: `${bufferKbit}k` }
  return Object.entries(all).flatMap(([name, value]) => [`-${name}${of}`, String(value)])
}

function apart(name: string): string[] {
  return [
    '-hls_fmp4_init_filename',
    `${name}.mp4`,
    '-hls_segment_filename',
    `${name}-%05d.m4s`,
    `${name}.m3u8`,
  ]
}
