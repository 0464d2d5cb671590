// Storage in a folder. Must not follow a link or leave its root, whatever key it is given.
//
//   <root>/storage-id  sources/<id>  videos/<id>/<token>/…
//          .trash/  .quarantine/<day>/<key>                  (names with a dot: never keys)
import { randomUUID } from 'node:crypto'
import {
  chmod,
  lstat,
  mkdir,
  opendir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  statfs,
} from 'node:fs/promises'
import path from 'node:path'
import {
  claimFile,
  copyTree,
  errorCode,
  moveFile,
  syncFolder,
  syncOwnFile,
  syncTree,
  syncUp,
} from '#media/disk-files.ts'
import { absentAsNull, isAbsent, list, locate, openFile, openRegular, statFile } from '#media/disk-read.ts'
import type { Storage } from '#media/storage.ts'
import { StorageConflict } from '#media/storage-conflict.ts'

const QUARANTINE = '.quarantine'

export async function openDiskStorage(folder: string): Promise<Storage> {
  await mkdir(folder, { recursive: true })
  // Everything is compared with real paths below, and the root itself may well be a link (macOS has
  // /tmp → /private/tmp; operators link data folders to larger disks).
  const root = await realpath(folder)
  const sourcesDir = path.join(root, 'sources')
  const trash = path.join(root, '.trash')
  for (const dir of [sourcesDir, path.join(root, 'videos'), trash]) await mkdir(dir, { recursive: true })

  return {
    sourcesDir,
    putTree: (dir, prefix) => putTree(root, dir, prefix),
    putFiles: files => putFiles(root, files),
    stat: key => statFile(root, key),
    open: (key, options) => openFile(root, key, options),
    list: prefix => list(root, locate(root, prefix), prefix),
    async remove(prefix) {
      for (const aside of await setAside(root, trash, prefix)) await removeTree(aside)
    },
    async discard(prefix) {
      await setAside(root, trash, prefix)
    },
    async emptyTrash() {
      for await (const entry of await opendir(trash)) await removeTree(path.join(trash, entry.name))
    },
    quarantine: prefix => quarantine(root, prefix),
    emptyQuarantine: before => emptyQuarantine(root, before),
    localPath: key => locate(root, key),
    async sync(key) {
      const file = await openRegular(root, key)
      if (!file) throw new Error(`there is no ${key} to sync`)
      try {
        await file.handle.sync()
      } finally {
        await file.handle.close()
      }
      await syncFolder(path.dirname(locate(root, key)))
    },
    identity: () => identity(root),
    async freeBytes() {
      const { bavail, bsize } = await statfs(root)
      return bavail * bsize
    },
  }
}

async function putTree(root: string, dir: string, prefix: string): Promise<void> {
  const target = locatePart(root, prefix)
  // mkdtemp makes scratch folders 0700: an nginx that serves this storage as another user would get 403.
  await chmod(dir, 0o755)
  await syncTree(dir)
  await mkdir(path.dirname(target), { recursive: true })
  // rename() replaces an empty folder without a word, so that one has to be looked for.
  if (await exists(target)) throw new StorageConflict(`${prefix} exists already`)
  try {
    await rename(dir, target)
  } catch (error) {
    if (isTaken(error)) throw new StorageConflict(`${prefix} exists already`, { cause: error })
    if (errorCode(error) !== 'EXDEV') throw error
    await copyInto(dir, target, prefix)
  }
  await syncUp(path.dirname(target), root)
}

async function putFiles(root: string, files: readonly { file: string; key: string }[]): Promise<void> {
  const folders = new Set<string>()
  for (const { file, key } of files) {
    const target = locatePart(root, key)
    await syncOwnFile(file)
    await mkdir(path.dirname(target), { recursive: true })
    await moveFile(file, target)
    folders.add(path.dirname(target))
  }
  for (const folder of folders) await syncUp(folder, root)
}

/** From another file system there is no rename: copy to a hidden sibling, then rename that. */
async function copyInto(dir: string, target: string, prefix: string): Promise<void> {
  const hidden = hiddenSibling(target)
  // Left by a copy of this same attempt that was cut off; nobody else uses this token.
  await removeTree(hidden)
  try {
    await copyTree(dir, hidden)
    await syncTree(hidden)
    await rename(hidden, target)
  } catch (error) {
    await removeTree(hidden)
    if (isTaken(error)) throw new StorageConflict(`${prefix} exists already`, { cause: error })
    throw error
  }
  await removeTree(dir)
}

/** @returns where it is now */
async function setAside(root: string, trash: string, prefix: string): Promise<string[]> {
  const target = locatePart(root, prefix)
  const asides: string[] = []
  for (const doomed of [target, hiddenSibling(target)]) {
    // Aside first: a frozen writer that wakes writes into the trash or nowhere, and readers never
    // see half of a video.
    const aside = path.join(trash, randomUUID())
    try {
      await rename(doomed, aside)
    } catch (error) {
      if (isAbsent(error)) continue
      throw error
    }
    asides.push(aside)
    await syncFolder(path.dirname(doomed))
    await removeIfEmpty(path.dirname(doomed), root)
  }
  return asides
}

async function quarantine(root: string, prefix: string): Promise<void> {
  const target = locatePart(root, prefix)
  const aside = path.join(root, QUARANTINE, dayOf(new Date()), prefix)
  await mkdir(path.dirname(aside), { recursive: true })
  try {
    // Twice in a day: a writer that was frozen has written more.
    await rename(target, (await exists(aside)) ? `${aside}-${randomUUID()}` : aside)
  } catch (error) {
    if (isAbsent(error)) return
    throw error
  }
  await syncFolder(path.dirname(target))
  await removeIfEmpty(path.dirname(target), root)
}

async function emptyQuarantine(root: string, before: Date): Promise<void> {
  const folder = path.join(root, QUARANTINE)
  for (const day of (await readdir(folder).catch(absentAsNull)) ?? []) {
    if (day < dayOf(before)) await removeTree(path.join(folder, day))
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

/** The folder of a video whose last attempt went; never a top folder. */
async function removeIfEmpty(folder: string, root: string): Promise<void> {
  if (path.dirname(folder) === root) return
  await rmdir(folder).catch(error => {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw error
  })
}

async function identity(root: string): Promise<string> {
  const file = path.join(root, 'storage-id')
  await claimFile(file, `${randomUUID()}\n`)
  return (await readFile(file, 'utf8')).trim()
}

/** As `locate`, but never a whole top folder: nothing may replace or remove all videos at once. */
function locatePart(root: string, prefix: string): string {
  if (!prefix.includes('/')) throw new Error(`"${prefix}" is not the prefix of one video or attempt`)
  return locate(root, prefix)
}

/** A dot makes it no key: never served, never listed, removed together with what it was to become. */
function hiddenSibling(target: string): string {
  // Turbopack takes this for a pattern of files to bundle, and would trace the whole project.
  return path.join(/*turbopackIgnore: true*/ path.dirname(target), `.${path.basename(target)}`)
}

async function exists(file: string): Promise<boolean> {
  return (await lstat(file).catch(absentAsNull)) !== null
}

function removeTree(file: string): Promise<void> {
  // Retries: a frozen writer may wake and add a file while its folder is being emptied.
  return rm(file, { recursive: true, force: true, maxRetries: 3 })
}

function isTaken(error: unknown): boolean {
  return ['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errorCode(error) ?? '')
}
