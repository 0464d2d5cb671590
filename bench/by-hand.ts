// What people would run instead, written as they would write it: one FFmpeg for the whole ladder, or
// a command for each output. The settings are the product's own; equal SSIM shows that they are.
import { mkdir } from 'node:fs/promises'
import { run } from '#cli/processes.ts'

interface Rung {
  height: number
  width: number
  kbps: number
}

export const RUNGS: Rung[] = [
  { height: 1080, width: 1920, kbps: 5000 },
  { height: 720, width: 1280, kbps: 2800 },
  { height: 480, width: 854, kbps: 1400 },
  { height: 360, width: 640, kbps: 800 },
  { height: 240, width: 426, kbps: 400 },
]

/** A group of pictures is two seconds of a clip at 30 frames a second, a segment as well. */
const GOP = ['-g', '60', '-keyint_min', '60', '-sc_threshold', '0']
const HLS = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4']
const AUDIO = ['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-ar', '48000']

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
  const streams = RUNGS.map(({ height }, i) => `v:${i},agroup:sound,name:v${height}`)
  await ffmpeg([
    ...['-i', clip, '-filter_complex', [split, ...chains].join(';')],
    ...RUNGS.flatMap((_, i) => ['-map', `[v${i}]`]),
    ...['-map', '0:a', '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23', ...GOP],
    ...RUNGS.flatMap(({ kbps }, i) => [`-maxrate:v:${i}`, `${kbps}k`, `-bufsize:v:${i}`, `${kbps * 2}k`]),
    ...[...AUDIO, ...HLS, '-hls_flags', 'independent_segments'],
    ...['-var_stream_map', [...streams, 'a:0,agroup:sound,name:audio'].join(' ')],
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
    const name = `v${rung.height}`
    await ffmpeg(['-i', clip, '-an', ...encode(rung), ...HLS, ...apart(name)])
  }
  await ffmpeg(['-i', clip, '-vn', ...AUDIO, ...HLS, ...apart('audio')])
  await ffmpeg(['-ss', '1', '-i', clip, '-frames:v', '1', '-q:v', '4', '-update', '1', 'poster.jpg'])
  const sprites = ['-vf', 'fps=1/2,scale=160:-2,tile=5x3', '-frames:v', '1', '-update', '1']
  await ffmpeg(['-i', clip, ...sprites, 'sprites.jpg'])
}

/** The MP4 as one more output of that kind: encoded once more. */
export async function commandForMp4(ffmpeg: Ffmpeg, clip: string): Promise<void> {
  const rung = RUNGS.find(({ height }) => height === 720)
  if (rung) await ffmpeg(['-i', clip, ...encode(rung), ...AUDIO, '-movflags', '+faststart', 'video.mp4'])
}

function encode({ width, height, kbps }: Rung): string[] {
  return [
    ...['-vf', `scale=${width}:${height}`, '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high'],
    ...['-crf', '23', '-maxrate', `${kbps}k`, '-bufsize', `${kbps * 2}k`, ...GOP],
  ]
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
