// One launcher per DATA_DIR: two would start two databases' worth of trouble on the same files.
// The lock is a symbolic link whose text names its holder: made whole or not at all, and by one only.
import { mkdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import path from 'node:path'
import { identify, isAlive, type ProcessId } from '#process/table.ts'
import { Sentence } from './say.ts'

interface Holder extends ProcessId {
  url: string | null
}

export interface Lock {
  /** A launcher was killed before it could let go: what it started may still be ending. */
  wasAbandoned: boolean
  /** Notes where this one is reached, for the sentence that a second one prints. */
  tell(url: string): Promise<void>
  release(): Promise<void>
}

/** @throws Sentence when another launcher that is alive holds it */
export async function takeLock(dataDir: string): Promise<Lock> {
  await mkdir(dataDir, { recursive: true })
  const file = path.join(dataDir, 'lock')
  const id = identify(process.pid)
  if (!id) throw new Error('This process does not find itself in the process table')
  const wasAbandoned = await take(file, { ...id, url: null }, dataDir)
  return {
    wasAbandoned,
    tell: url => replace(file, { ...id, url }),
    release: () => rm(file, { force: true }),
  }
}

/**
 * A dead holder is replaced by whoever takes a second lock, which is named after the dead one: two
 * that find the same one cannot both do so, and one that comes late finds somebody else in the first.
 * @returns whether a dead holder was replaced
 */
async function take(file: string, me: Holder, dataDir: string): Promise<boolean> {
  while (!(await claim(file, me))) {
    const holder = await readHolder(file)
    if (!holder) continue // it let go in between
    if (isAlive(holder)) throw new Sentence(alreadyRuns(dataDir, holder))
    const succession = `${file}-after-${holder.pid}-${holder.startedAt.replaceAll(/\W/g, '')}`
    await take(succession, me, dataDir)
    try {
      const now = await readHolder(file)
      if (now?.pid !== holder.pid || now.startedAt !== holder.startedAt) continue
      await replace(file, me)
      return true
    } finally {
      await rm(succession, { force: true })
    }
  }
  return false
}

async function claim(file: string, me: Holder): Promise<boolean> {
  try {
    await symlink(JSON.stringify(me), file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function replace(file: string, me: Holder): Promise<void> {
  const unfinished = `${file}-${crypto.randomUUID()}`
  await symlink(JSON.stringify(me), unfinished)
  await rename(unfinished, file)
}

/** Null when nobody holds it. */
async function readHolder(file: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readlink(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function alreadyRuns(dataDir: string, { pid, url }: Holder): string {
  return (
    `pgreel already runs on ${dataDir} (process ${pid}${url ? `, ${url}` : ''}). ` +
    'Stop that one first, or give this one another DATA_DIR.'
  )
}
