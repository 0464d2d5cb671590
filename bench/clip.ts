// The videos that are transcoded. The usual one: 1080p30 with a zoom over fine detail, a shaky pan, many small moving
// things, cuts and a camera's grain. Made once, by FFmpeg alone, and kept in the system's folder for
// temporary files.
import { createHash } from 'node:crypto'
import { access, mkdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run } from '#cli/processes.ts'
import type { BenchContext } from './context.ts'

const SCENE_SECONDS = 10

export interface ClipOptions {
  seconds: number
  /** the same again and again, without encoding it again */
  times?: number
}

// Easier ones: a calm view of a still life with little grain, and a drawing of flat colours.
const EASY = {
  calm: [
    'mandelbrot=s=2880x1620:r=30:start_x=-0.7453:start_y=0.1127:start_scale=0.01,trim=end_frame=1,gblur=1.5',
    "loop=-1:1,setpts=N/30/TB,crop=1920:1080:'480+200*sin(t*0.3)':'270+100*sin(t*0.2)',fps=30",
    'noise=alls=2:allf=t:all_seed=7',
  ].join(','),
  flat: 'testsrc2=s=1920x1080:r=30',
}

/** Without sound. @returns the file's path */
export function getEasyClip(
  context: BenchContext,
  kind: keyof typeof EASY,
  seconds: number,
): Promise<string> {
  context.say(`A ${kind} clip of ${seconds} s`)
  return makeFile(context, `${kind}-${seconds}`, [
    ...['-f', 'lavfi', '-i', `${EASY[kind]},setsar=1,format=yuv420p`, '-t', String(seconds)],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '14'],
  ])
}

/** @returns the file's path */
export async function getClip(context: BenchContext, { seconds, times = 1 }: ClipOptions): Promise<string> {
  if (times > 1) {
    const once = await getClip(context, { seconds })
    const loop = ['-stream_loop', String(times - 1), '-i', once, '-c', 'copy']
    return makeFile(context, `clip-${seconds}x${times}`, loop)
  }
  context.say(`A clip of ${seconds} s`)
  return makeFile(context, `clip-${seconds}`, [
    ...[
      '-f',
      'lavfi',
      '-i',
      `mandelbrot=s=1280x720:r=30:start_scale=1.2:end_scale=0.05:end_pts=300:maxiter=500`,
    ],
    ...['-f', 'lavfi', '-i', 'mandelbrot=s=2880x1620:r=30:start_x=-0.7453:start_y=0.1127:start_scale=0.01'],
    ...[
      '-f',
      'lavfi',
      '-i',
      'life=s=320x180:r=30:mold=20:ratio=0.35:seed=7:death_color=#204060:life_color=#f0c080',
    ],
    ...[
      '-f',
      'lavfi',
      '-i',
      'anoisesrc=c=pink:a=0.2:r=48000:seed=7',
      '-f',
      'lavfi',
      '-i',
      'sine=f=330:r=48000',
    ],
    ...['-filter_complex', FILTERS, '-map', '[v]', '-map', '[s]', '-t', String(seconds)],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-c:a', 'aac', '-b:a', '128k'],
  ])
}

const SCENE = `trim=duration=${SCENE_SECONDS},setpts=PTS-STARTPTS,scale=1920:1080,setsar=1,format=yuv420p`
const SHAKY_PAN = `crop=1920:1080:'480+400*sin(t*0.7)+3*sin(t*19)':'270+200*sin(t*0.4)+2*sin(t*23)'`
const FILTERS = [
  `[0:v]${SCENE}[zoom]`,
  `[1:v]trim=end_frame=1,gblur=1.5,loop=${SCENE_SECONDS * 30}:1,setpts=N/30/TB,${SHAKY_PAN},${SCENE}[pan]`,
  `[2:v]gblur=1.5,${SCENE}[crowd]`,
  '[zoom][pan][crowd]concat=n=3:v=1:a=0,fps=30,noise=alls=5:allf=t:all_seed=7[v]',
  '[3:a][4:a]amix=2,volume=0.5[s]',
].join(';')

/** One file of FFmpeg's, made once and kept under the name of its recipe. @returns its path */
export async function makeFile({ signal }: BenchContext, name: string, args: string[]): Promise<string> {
  const folder = path.join(tmpdir(), 'pgreel-bench-clips')
  const recipe = createHash('sha256').update(args.join(' ')).digest('hex').slice(0, 8)
  const file = path.join(folder, `${name}-${recipe}.mp4`)
  try {
    await access(file)
    return file
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  await mkdir(folder, { recursive: true })
  const draft = `${file}.${process.pid}.mp4`
  await run('ffmpeg', 'ffmpeg', ['-y', '-v', 'error', ...args, draft], {
    cwd: folder,
    show: 'nothing',
    signal,
  })
  await rename(draft, file)
  return file
}
