// Tiny clips, made by FFmpeg when a test asks for them, so that a clone is complete without any.
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

interface Clip {
  width?: number
  height?: number
  seconds?: number
  fps?: number
  hasAudio?: boolean
  /** further output options, such as ['-c:v', 'libvpx'] */
  options?: string[]
}

/** @returns the file's path */
export async function makeClip(folder: string, name: string, clip: Clip = {}): Promise<string> {
  const { width = 320, height = 240, seconds = 3, fps = 30, hasAudio = true, options = [] } = clip
  const file = path.join(folder, name)
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${width}x${height}:r=${fps}:d=${seconds}`]
  const sound = ['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`]
  await run('ffmpeg', [
    ...['-y', '-v', 'error', ...picture, ...(hasAudio ? sound : [])],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
    ...options,
    file,
  ])
  return file
}
