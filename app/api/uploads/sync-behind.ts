// Has an upload written to the disk while it comes in: the sync after its last byte then finds little
// left to do, however large the file.
import { open, rm } from 'node:fs/promises'
import { log } from '#app/log.ts'
import { errorCode } from '#media/disk-files.ts'

// One at a time: it holds one of the few threads that read and write files for everybody else too.
let isSyncing = false

/** May leave it to the next call, or to the end. */
export async function syncBehind(file: string): Promise<void> {
  if (isSyncing) return
  isSyncing = true
  try {
    await using handle = await open(file)
    await handle.datasync()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return // cancelled
    log.error({ err: error, file }, "the disk does not take an upload's bytes")
    // The kernel tells this once: a later sync would succeed, over a hole. Without its file it starts anew.
    if (errorCode(error) === 'EIO') await rm(file, { force: true })
  } finally {
    isSyncing = false
  }
}
