// Tiny clips, made by FFmpeg when a test asks for them, so that a clone is complete without any.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
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
  /** what no player reads, at the end of an MP4: much to send, little to encode */
  paddingBytes?: number
}

/** @returns the file's path */
export async function makeClip(folder: string, name: string, clip: Clip = {}): Promise<string> {
  const {
    width = 320,
    height = 240,
    seconds = 3,
    fps = 30,
    hasAudio = true,
    options = [],
    paddingBytes = 0,
  } = clip
  const file = path.join(folder, name)
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=${width}x${height}:r=${fps}:d=${seconds}`]
  const sound = ['-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`]
  await run('ffmpeg', [
    ...['-y', '-v', 'error', ...picture, ...(hasAudio ? sound : [])],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
    ...options,
    file,
  ])
  if (paddingBytes > 0) await appendFile(file, freeBox(paddingBytes))
  return file
}

/** ISO/IEC 14496-12, 8.1.2: its contents are irrelevant. */
function freeBox(bytes: number): Buffer {
  const box = Buffer.concat([Buffer.from('....free'), randomBytes(bytes)])
  box.writeUInt32BE(box.length)
  return box
}
