// Files and folders that survive a power cut. Must not know about keys.
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, lchown, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { StorageConflict } from '#media/storage-conflict.ts'

/**
 * fsyncs every file and folder of a tree, leaves first, and makes them ours.
 * @throws when it holds anything but files and folders: a link would be published as it is
 */
export async function syncTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const child = path.join(dir, entry.name)
    if (entry.isDirectory()) await syncTree(child)
    else if (entry.isFile()) await syncOwn(child)
    else throw new Error(`${child} is neither a file nor a folder`)
  }
  await syncOwn(dir)
}

/**
 * fsyncs a file that is to be published, and makes it ours. @throws when it is a link, or anything else
 */
export async function syncOwnFile(file: string): Promise<void> {
  // What became a link or a pipe since it was looked at is neither followed nor waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  await using handle = await open(file, flags).catch(error => {
    throw ['ELOOP', 'ENXIO'].includes(errorCode(error) ?? '') ? noFile(file, error) : error
  })
  if (!(await handle.stat()).isFile()) throw noFile(file)
  if (process.getuid?.() === 0) await handle.chown(0, process.getgid?.() ?? 0)
  await handle.sync()
}

function noFile(file: string, cause?: unknown): Error {
  return new Error(`${file} is no file`, { cause })
}

/** Where we are root, it was made by somebody who is nobody, and who may not change it any more. */
async function syncOwn(file: string): Promise<void> {
  if (process.getuid?.() === 0) await lchown(file, 0, process.getgid?.() ?? 0)
  await syncPath(file)
}

/** fsyncs a folder and those above it up to `top`, for names that `mkdir -p` may have added. */
export async function syncUp(dir: string, top: string): Promise<void> {
  for (let folder = dir; ; folder = path.dirname(folder)) {
    await syncFolder(folder)
    if (folder === top || folder === path.dirname(folder)) return
  }
}

/** A name is in its folder: without this a synced file may have none after a power cut. */
export async function syncFolder(dir: string): Promise<void> {
  await syncPath(dir)
}

/**
 * Names a finished file once more, under `to`, and takes its old name away: the old one stays where a
 * rename would replace. @throws StorageConflict when there is a `to`
 */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (errorCode(error) === 'EEXIST') throw new StorageConflict(`${to} exists already`, { cause: error })
    // Another file system, or one without links.
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(errorCode(error) ?? ''))
      throw error
    await copyByHidden(from, to)
  }
  // A link may have taken its place at the last moment; under its new name it is what it is.
  if (!(await lstat(to)).isFile()) {
    await rm(to)
    throw noFile(from)
  }
  await rm(from)
}

/** Half a file never has its name. */
async function copyByHidden(from: string, to: string): Promise<void> {
  const hidden = path.join(path.dirname(to), `.${path.basename(to)}`)
  await copyFile(from, hidden)
  await syncPath(hidden)
  await rename(hidden, to)
}

/** @param to must not exist */
export async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    else await copyFile(source, target, constants.COPYFILE_EXCL)
  }
}

/**
 * Writes a file unless it exists. Of several processes one wins, and none ever reads half of it:
 * the content is complete under another name before link(), which refuses to replace, names it.
 */
export async function claimFile(file: string, content: string): Promise<void> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}-${randomUUID()}`)
  const handle = await open(file).catch(error => {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  })
  if (handle) return handle.close()
  try {
    await writeSynced(temporary, content)
    await link(temporary, file)
  } catch (error) {
    // Another process was first: its content counts.
    if (errorCode(error) !== 'EEXIST') throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(path.dirname(file))
}

/** The code of a system error, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

async function writeSynced(file: string, content: string): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncPath(file: string): Promise<void> {
  const handle = await open(file)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
