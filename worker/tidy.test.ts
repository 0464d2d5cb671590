// Files that nobody owns go, and no others.
import { readdir, readFile, rename } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { isOurStorage } from '#db/installation.ts'
import { attemptKey, sourceKey } from '#media/keys.ts'
import { createTestDatabase } from '#test/database.ts'
import { storeFile } from '#test/library.ts'
import { emptyDatabase, processVideo, startUpload } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, listKeys } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { tidy } from './tidy.ts'

const t = await createTestDatabase()
let context: WorkerContext
beforeAll(async () => {
  context = await createWorkerContext(t)
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
  await isOurStorage(t.db, await context.storage.identity())
})

const stranger = () => crypto.randomUUID()

test('what no row owns is set aside for a week; what a row owns stays', async () => {
  await bornAgo('1 day')
  const { attempt, id } = await processVideo(t)
  const upload = await startUpload(t.db)
  const own = [attemptKey(id, attempt.token, 'v240/00000.m4s'), sourceKey(id), sourceKey(upload)].sort()
  const orphans = [
    attemptKey(id, stranger(), 'master.m3u8'),
    attemptKey(stranger(), stranger(), 'v240/00000.m4s'),
    sourceKey(stranger()),
  ]
  for (const key of [...own, ...orphans]) await storeFile(context.storage, key, 'bytes')
  await run()
  expect(await keys()).toEqual(own)
  const quarantine = path.join(context.config.storageDir, '.quarantine')
  const [day = ''] = await readdir(quarantine)
  expect(await readFile(path.join(quarantine, day, orphans[0] ?? ''), 'utf8')).toBe('bytes')
  const aged = (days: number) => path.join(quarantine, dayBefore(days))
  await rename(path.join(quarantine, day), aged(7))
  await run()
  expect(await readdir(quarantine)).toHaveLength(1)
  await rename(aged(7), aged(8))
  await run()
  expect(await readdir(quarantine)).toEqual([])
})

test('what was just written stays: its row may be on its way', async () => {
  await bornAgo('1 day')
  const key = sourceKey(stranger())
  await storeFile(context.storage, key, 'bytes', new Date())
  await run()
  expect(await keys()).toEqual([key])
})

test('what is older than the database stays: it may be all there is of another one', async () => {
  const key = sourceKey(stranger())
  await storeFile(context.storage, key, 'bytes')
  await run()
  expect(await keys()).toEqual([key])
})

function dayBefore(days: number): string {
  return new Date(Date.now() - days * 24 * 3_600_000).toISOString().slice(0, 10)
}

function run(): Promise<void> {
  return tidy(context, undefined, { id: '', name: 'tidy' } as never)
}

async function bornAgo(interval: string): Promise<void> {
  await t.db
    .updateTable('installation')
    .set({ created_at: sql<Date>`now() - ${interval}::interval` })
    .execute()
}

async function keys(): Promise<string[]> {
  return [...(await listKeys(context, 'sources')), ...(await listKeys(context, 'videos'))].sort()
}
