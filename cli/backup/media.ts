// The files of a backup, from the list that was taken with the rows.
import { createReadStream, createWriteStream } from 'node:fs'
import { constants, copyFile, link, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import type { Db } from '#db/client.ts'
import { goneVideos, type KeptVideo } from '#db/dump.ts'
import { errorCode } from '#media/disk-files.ts'
import { attemptPrefix, ownerOf, sourceKey, videoPrefix } from '#media/keys.ts'
import type { Storage } from '#media/storage.ts'
import { mediaFile } from './manifest.ts'

const BATCH = 200

/** The list of one moment; read back in batches, so that it may be of any length. Not in the backup. */
export const mediaList = (folder: string) => path.join(folder, 'media.jsonl')

/** @returns the videos that were deleted meanwhile, and the files that should be there and are not */
export async function keepMedia(db: Db, storage: Storage, folder: string, signal: AbortSignal) {
  const goneMeanwhile: string[] = []
  const missing: string[] = []
  const keepBatch = async (batch: KeptVideo[]) => {
    for (const video of batch) await keepFiles(storage, folder, video, signal)
    // Asked afterwards: what is not deleted now was not deleted while its files were taken.
    const gone = new Set(
      await goneVideos(
        db,
        batch.map(({ id }) => id),
      ),
    )
    for (const { id, source, keys } of batch) {
      if (gone.has(id)) {
        goneMeanwhile.push(id)
        for (const key of [sourceKey(id), videoPrefix(id)])
          await rm(path.join(folder, mediaFile(key)), { recursive: true, force: true })
        continue
      }
      for (const key of source.isNeeded ? [source.key, ...keys] : keys)
        if (!(await isThere(path.join(folder, mediaFile(key))))) missing.push(key)
    }
  }
  let batch: KeptVideo[] = []
  for await (const line of createInterface({ input: createReadStream(mediaList(folder)) })) {
    batch.push(JSON.parse(line))
    if (batch.length < BATCH) continue
    await keepBatch(batch)
    batch = []
  }
  await keepBatch(batch)
  await rm(mediaList(folder))
  return { goneMeanwhile, missing: [...new Set(missing)] }
}

async function keepFiles(storage: Storage, folder: string, { source, keys }: KeptVideo, signal: AbortSignal) {
  signal.throwIfAborted()
  const place = (key: string) => path.join(folder, mediaFile(key))
  await mkdir(path.dirname(place(source.key)), { recursive: true })
  if (source.onlyBytes === null) await linkOrCopy(storage.localPath(source.key), place(source.key))
  else await copyBeginning(storage.localPath(source.key), place(source.key), source.onlyBytes, signal)
  const prefixes = keys.flatMap(key => {
    const owner = ownerOf(key)
    return owner?.token ? [attemptPrefix(owner.videoId, owner.token)] : []
  })
  for (const prefix of new Set(prefixes)) {
    for await (const { key } of storage.list(prefix)) {
      signal.throwIfAborted()
      await mkdir(path.dirname(place(key)), { recursive: true })
      await linkOrCopy(storage.localPath(key), place(key))
    }
  }
}

/** A link costs nothing and keeps the bytes when the storage removes its own name for them. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    // Another file system, or one without links, or a file that is not ours to link.
    if (['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error) ?? ''))
      await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE).catch(ignoreAbsent)
    else ignoreAbsent(error)
  }
}

/** The file goes on growing: what came after the moment of the rows is not of this backup. */
async function copyBeginning(from: string, to: string, bytes: number, signal: AbortSignal): Promise<void> {
  if (bytes === 0) return writeFile(to, '')
  await pipeline(createReadStream(from, { end: bytes - 1 }), createWriteStream(to), { signal }).catch(
    async error => {
      await rm(to, { force: true })
      ignoreAbsent(error)
    },
  )
}

/** Gone with its video, or missing: the caller finds out which. */
function ignoreAbsent(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error
}

export async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(ignoreAbsent)) !== undefined
}
