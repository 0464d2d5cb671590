// Reading in a storage folder: only regular files, only inside, whatever key is asked for.
import { type BigIntStats, constants } from 'node:fs'
import { lstat, open, opendir, realpath } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '#media/disk-files.ts'
import { streamFile } from '#media/file-stream.ts'
import { isSafeKey } from '#media/keys.ts'
import type { ByteRange, OpenFile, StoredFile } from '#media/storage.ts'

export async function statFile(root: string, key: string): Promise<StoredFile | null> {
  const file = await openRegular(root, key)
  if (!file) return null
  await file.handle.close()
  return describe(key, file.stats)
}

export async function openFile(
  root: string,
  key: string,
  { range, signal }: { range?: ByteRange; signal?: AbortSignal } = {},
): Promise<OpenFile | null> {
  const file = await openRegular(root, key)
  if (!file) return null
  const described = describe(key, file.stats)
  const { start, end } = range ?? { start: 0, end: described.sizeBytes - 1 }
  if (range && !(start >= 0 && start <= end && end < described.sizeBytes)) {
    await file.handle.close()
    throw new RangeError(`${key} has ${described.sizeBytes} bytes: ${start}-${end} is not within`)
  }
  return { ...described, stream: streamFile(file.handle, start, end - start + 1, signal) }
}

/**
 * Opens first and checks afterwards, so that what was checked is what is read: the real path must be
 * the one asked for (no link on the way), and the file there the one that is open.
 */
export async function openRegular(root: string, key: string) {
  if (!isSafeKey(key)) return null
  const file = locate(root, key)
  try {
    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer, with a pool thread, for ever.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const [stats, real] = await Promise.all([handle.stat({ bigint: true }), realpath(file)])
      const there = await lstat(real, { bigint: true })
      if (stats.isFile() && real === file && there.ino === stats.ino && there.dev === stats.dev) {
        return { handle, stats }
      }
    } catch (error) {
      await handle.close()
      throw error
    }
    await handle.close()
    return null
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

export async function* list(root: string, folder: string, prefix: string): AsyncGenerator<StoredFile> {
  let entries: Awaited<ReturnType<typeof opendir>>
  try {
    entries = await opendir(folder)
  } catch (error) {
    if (isAbsent(error)) return
    throw error
  }
  for await (const entry of entries) {
    const key = `${prefix}/${entry.name}`
    if (!isSafeKey(key)) continue
    if (entry.isDirectory()) yield* list(root, path.join(folder, entry.name), key)
    else if (entry.isFile()) {
      const stats = await lstat(path.join(folder, entry.name), { bigint: true }).catch(absentAsNull)
      if (stats) yield describe(key, stats)
    }
  }
}

export function locate(root: string, key: string): string {
  if (!isSafeKey(key)) throw new Error(`"${key}" is not a storage key`)
  return path.join(root, ...key.split('/'))
}

function describe(key: string, stats: BigIntStats): StoredFile {
  // nginx's own form (hex seconds, hex size): where nginx serves the same folder, a download may go
  // on from the other server. Seconds are strong enough because a key's bytes never change.
  const etag = `"${(stats.mtimeNs / 1_000_000_000n).toString(16)}-${stats.size.toString(16)}"`
  return { key, sizeBytes: Number(stats.size), modifiedAt: stats.mtime, etag }
}

/** ELOOP is O_NOFOLLOW meeting a link, ENXIO a socket or a FIFO: nothing that we ever stored. */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENAMETOOLONG'].includes(errorCode(error) ?? '')
}

export function absentAsNull(error: unknown): null {
  if (isAbsent(error)) return null
  throw error
}
