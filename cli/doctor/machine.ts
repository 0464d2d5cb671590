// This machine: FFmpeg, the storage and its disk.
import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { rememberedStorage } from '#db/installation.ts'
import { promisedBytes } from '#db/room.ts'
import { openStorage } from '#media/storage.ts'
import { BOXED_WALLS, findWalls } from '#process/walls.ts'
import { findOnPath } from '#process/which.ts'
import { findFfmpeg, howTo } from '../ffmpeg.ts'
import { Sentence } from '../say.ts'
import type { Breach, Context } from './examine.ts'

// Below this an encode may not have room for its scratch.
const floorBytes = 1024 ** 3

export async function badFfmpeg({ config }: Context): Promise<Breach[]> {
  try {
    return (await findFfmpeg(config)) ? [] : broken(`FFmpeg was not found: ${howTo}.`)
  } catch (error) {
    if (error instanceof Sentence) return broken(error.message)
    throw error
  }
}

/** As the worker finds them at its start. What a hostile file might do, a person has to judge. */
export async function missingWalls({ config, walls = findWalls }: Context): Promise<Breach[]> {
  const tools = await findFfmpeg(config)
  if (!tools) return [] // said by the check before
  const asked = [tools.ffmpegPath, tools.ffprobePath].map(file => path.resolve(file))
  const found = await Promise.all(
    asked.map(program => walls({ program, workFolder: path.join(config.dataDir, 'scratch') })),
  )
  const missing = [...new Set(found.flatMap(each => each.missing))]
  return missing.map(name => ({
    subject: name,
    message: `This system does not give FFmpeg the wall "${name}": ${howToWall(name)}.`,
  }))
}

function howToWall(name: string): string {
  if (!BOXED_WALLS.includes(name)) return 'see docs/operations.md, FFmpeg’s box'
  return findOnPath('bwrap')
    ? 'FFMPEG_PATH and FFPROBE_PATH must be programs, not scripts, and namespaces must be allowed'
    : 'install bubblewrap'
}

/** Writes as uploads and publications do: a file, synced, and moved to another of its folders. */
export async function badStorage({ config: { storageDir } }: Context): Promise<Breach[]> {
  const name = `.doctor-${randomUUID()}`
  const [from, to] = [path.join(storageDir, 'videos', name), path.join(storageDir, '.trash', name)]
  try {
    await stat(storageDir)
    // Makes its folders where they are missing, as every process does at its start.
    await openStorage(storageDir)
    await using file = await open(from, 'wx')
    await file.sync()
    await rename(from, to)
    return []
  } catch (error) {
    return broken(storageTrouble(storageDir, error as NodeJS.ErrnoException))
  } finally {
    for (const file of [from, to]) await rm(file, { force: true }).catch(() => {}) // said above
  }
}

function storageTrouble(folder: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT')
    return `There is no storage at ${folder}: mount it, or correct STORAGE_URL or DATA_DIR.`
  if (code === 'EXDEV')
    return `The folders in ${folder} are on several file systems: a file must be movable between them.`
  return `The storage at ${folder} cannot be written (${code ?? message}): check its owner, its mode and its disk.`
}

/** Every process compares the two at its start; the folder may have been swapped since. */
export async function foreignStorage({ config: { storageDir }, db }: Context): Promise<Breach[]> {
  const remembered = await rememberedStorage(db)
  const file = path.join(storageDir, 'storage-id')
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  // Null: they have not met yet, and the first process to start introduces them.
  if (remembered === null || found?.trim() === remembered) return []
  return broken(
    `The storage at ${storageDir} is not the one this database belongs to: set STORAGE_URL (or DATA_DIR) to that one, for web and workers alike.`,
  )
}

export async function fullDisk({ config: { storageDir }, db }: Context): Promise<Breach[]> {
  const storage = await openStorage(storageDir)
  const [free, promised] = [await storage.freeBytes(), await promisedBytes(db)]
  if (free >= promised + floorBytes) return []
  return broken(
    `${storageDir} has ${gigabytes(free)} free, and open uploads still need ${gigabytes(promised)} beside a reserve of ${gigabytes(floorBytes)}: delete videos, or give it a larger disk.`,
  )
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}

function broken(message: string): Breach[] {
  return [{ subject: '', message }]
}
