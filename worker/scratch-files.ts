// Reading and writing in a scratch folder, which FFmpeg's box may write to as well: what stands there can be
// the work of a program that a stranger's file has taken over, also while we look. No link is followed, out of
// the box or within it, and nothing is waited for that is no plain file (docs/decisions/0013).
import { constants } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '#media/disk-files.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants
// Two seconds of a copied picture at a gigabit each; what is longer we did not ask for.
const MAX_BYTES = 256 * 1024 ** 2

/** Whatever becomes of its name meanwhile, `place` is the same folder while this is open. */
export interface OpenFolder extends AsyncDisposable {
  place: string
}

/** @param name of a folder in scratch, made by us before any program ran there; '' for scratch itself */
export async function openFolder(scratch: string, name: string): Promise<OpenFolder> {
  if (path.isAbsolute(name)) throw new Error(`${name} is not named within ${scratch}`)
  const folder = path.join(scratch, name)
  const handle = await open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  // Where there is no /proc, there is no box either.
  const place = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : folder
  return { place, [Symbol.asyncDispose]: () => handle.close() }
}

/**
 * @param name a file in scratch, or in a folder there
 * @throws an Error where it is no plain file, or larger than any that we asked for
 */
export async function readScratch(scratch: string, name: string): Promise<Buffer> {
  await using folder = await openFolder(scratch, path.dirname(name))
  await using handle = await open(
    path.join(folder.place, path.basename(name)),
    O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  )
  const stats = await handle.stat()
  if (!stats.isFile() || stats.size > MAX_BYTES) throw new Error(`${name} is not what FFmpeg was to write`)
  return await handle.readFile()
}

/** @returns null when there is no such file */
export async function readScratchIfThere(scratch: string, name: string): Promise<Buffer | null> {
  try {
    return await readScratch(scratch, name)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

export async function writeScratch(scratch: string, name: string, content: string): Promise<void> {
  await using handle = await createScratch(scratch, name)
  await handle.writeFile(content)
}

/** A new file, in the place of whatever has that name. */
export async function createScratch(scratch: string, name: string): Promise<FileHandle> {
  await using folder = await openFolder(scratch, path.dirname(name))
  const file = path.join(folder.place, path.basename(name))
  await rm(file, { recursive: true, force: true })
  return await open(file, 'wx')
}
