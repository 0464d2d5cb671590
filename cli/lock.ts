// One launcher per DATA_DIR: two would start two databases' worth of trouble on the same files.
import { readFileSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
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
  const file = path.join(dataDir, 'launcher.json')
  const me = identify(process.pid)
  if (!me) throw new Error('This process does not find itself in the process table')
  const wasAbandoned = !(await claim(file, me))
  if (wasAbandoned) {
    refuseIfAlive(dataDir, readHolder(file))
    await rm(file, { force: true })
    // Two that find the same dead holder: whoever creates the file second is told about the first.
    if (!(await claim(file, me))) refuseIfAlive(dataDir, readHolder(file))
  }
  return {
    wasAbandoned,
    tell: url => writeFile(file, JSON.stringify({ ...me, url })),
    release: async () => {
      if (readHolder(file)?.pid === me.pid) await rm(file, { force: true })
    },
  }
}

async function claim(file: string, me: ProcessId): Promise<boolean> {
  try {
    await using handle = await open(file, 'wx', 0o644)
    await handle.writeFile(JSON.stringify({ ...me, url: null }))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function refuseIfAlive(dataDir: string, holder: Holder | null): void {
  if (!holder || !isAlive(holder)) return
  throw new Sentence(
    `pgreel already runs on ${dataDir} (process ${holder.pid}${holder.url ? `, ${holder.url}` : ''}). ` +
      'Stop that one first, or give this one another DATA_DIR.',
  )
}

/** Null for a file that is gone, or was being written when its writer was killed. */
function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
