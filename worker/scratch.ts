// Scratch folders: one for each attempt, named by its token, always removed. They lie beside the
// storage (same disk, so publishing is a rename) and belong to this machine.
import { mkdir, readdir, realpath, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Db } from '#db/client.ts'
import { runningTokens } from '#db/leftovers.ts'
import { listCommands } from '#process/table.ts'

/** Runs `work` with a fresh folder, and removes it however `work` ends. */
export async function withScratch<T>(
  root: string,
  token: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = path.join(root, token)
  await mkdir(folder, { recursive: true })
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Removes what killed workers of this machine left: folders whose attempt does not run any more. */
export async function sweepScratch(db: Db, root: string): Promise<number> {
  await mkdir(root, { recursive: true })
  // Listed before the tokens are read: what came after that cannot be mistaken for something old.
  const folders = await readdir(root)
  const boxes = boxesIn(await realpath(root))
  if (folders.length === 0 && boxes.length === 0) return 0
  const running = await runningTokens(db)
  for (const { pid, token } of boxes) if (!running.has(token)) end(pid)
  const stale = folders.filter(name => !running.has(name))
  for (const name of stale) await rm(path.join(root, name), { recursive: true, force: true, maxRetries: 3 })
  return stale.length
}

/**
 * bubblewrap's processes with their attempts. It starts a child and then wakes it: when the death of the
 * worker kills it in between, the child waits for ever (0.8.0), and has no box yet to die with.
 */
function boxesIn(root: string): { pid: number; token: string }[] {
  return listCommands().flatMap(({ pid, words: [program, ...words] }) => {
    const scratch = program === 'bwrap' && words.find(word => path.dirname(word) === root)
    return scratch ? [{ pid, token: path.basename(scratch) }] : []
  })
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself, or another user's worker ends it.
  }
}
