// Watches how much of the disk a scratch folder takes: a program that a stranger's file has taken over may
// write there what it likes, on the disk that storage and often Postgres share. What it finds may be hostile
// as well; it only counts.
import { lstat, opendir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errorCode } from '#media/disk-files.ts'
import { WorldError } from './errors.ts'

const LOOK_EVERY_MS = 2000
// An hour's ladder is ten thousands of files: looking at them takes a twentieth of one core at most.
const TIMES_LOOK = 20
// Names take room too, and time to count.
const BYTES_PER_NAME = 4096
// The unit of st_blocks, whatever the file system's own is.
const BLOCK_BYTES = 512

/** @returns when the folder has become too large; never before `signal` fires, and then it throws */
export async function untilTooLarge(folder: string, maxBytes: number, signal: AbortSignal): Promise<void> {
  for (let waitMs = LOOK_EVERY_MS; ; ) {
    await delay(waitMs, undefined, { signal, ref: false })
    const started = performance.now()
    if (await isLargerThan(folder, maxBytes, signal)) return
    waitMs = Math.max(LOOK_EVERY_MS, (performance.now() - started) * TIMES_LOOK)
  }
}

/** No death of FFmpeg's: those may cost one rendition only, and the rest of the folder is published. */
export function tooMuch(maxBytes: number): WorldError {
  return new WorldError('ffmpeg_too_large', `FFmpeg wrote more than ${maxBytes} bytes.`)
}

/** Of what it takes on disk: a file may have holes. A folder that hides what is in it is too large. */
export async function isLargerThan(root: string, maxBytes: number, signal?: AbortSignal): Promise<boolean> {
  let bytes = 0
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        signal?.throwIfAborted()
        const file = path.join(folder, entry.name)
        if (entry.isDirectory()) folders.push(file)
        bytes += Math.max(await diskBytes(file), BYTES_PER_NAME)
        if (bytes > maxBytes) return true
      }
    } catch (error) {
      signal?.throwIfAborted()
      // Files come and go while FFmpeg and the worker are at work.
      if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return true
    }
  }
  return false
}

async function diskBytes(file: string): Promise<number> {
  try {
    return (await lstat(file)).blocks * BLOCK_BYTES
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0
    throw error
  }
}
