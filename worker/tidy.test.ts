// Files that nobody owns go, and no others.

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

test('what no row owns is removed; what a row owns stays', async () => {
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
