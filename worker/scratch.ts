// Scratch folders: one for each attempt, named by its token, always removed. They lie beside the
// storage (same disk, so publishing is a rename) and belong to this machine.
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Db } from '#db/client.ts'
import { runningTokens } from '#db/leftovers.ts'

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
  // Listed before the tokens are read: a folder made after that cannot be mistaken for an old one.
  const folders = await readdir(root)
  if (folders.length === 0) return 0
  const running = await runningTokens(db)
  const stale = folders.filter(name => !running.has(name))
  for (const name of stale) await rm(path.join(root, name), { recursive: true, force: true, maxRetries: 3 })
  return stale.length
}
