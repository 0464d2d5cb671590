import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, liveJobs, queueUpload, readVideo, startUpload, takeJob } from '#test/videos.ts'
import { promisedBytes } from './room.ts'
import {
  enqueueUpload,
  expiredUploads,
  findUpload,
  openUploads,
  removeExpiredUpload,
  removeOpenUpload,
  touchUpload,
  UPLOAD_EXPIRES_AFTER_MS,
} from './uploads.ts'
import { cancelVideo, deleteVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

const enqueue = (id: string) => t.db.transaction().execute(trx => enqueueUpload(trx, t.boss, id))

describe('the last byte', () => {
  test('queues the video and its job together', async () => {
    const id = await startUpload(t.db)
    expect(await enqueue(id)).toBe(true)
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', stage: 'queued' })
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
    expect(await findUpload(t.db, id)).toMatchObject({ isFinished: true })
  })

  test('leaves neither when its transaction is undone', async () => {
    const id = await startUpload(t.db)
    const undone = t.db.transaction().execute(async trx => {
      await enqueueUpload(trx, t.boss, id)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect((await readVideo(t.db, id)).status).toBe('uploading')
    expect(await liveJobs(t.boss, 'first', id)).toEqual([])
    expect(await findUpload(t.db, id)).toMatchObject({ isFinished: false })
  })

  test('told twice changes nothing, not even after the work began', async () => {
    const id = await queueUpload(t)
    const before = await readVideo(t.db, id)
    expect(await enqueue(id)).toBe(false)
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
    await takeJob(t.boss, 'first')
    expect(await enqueue(id)).toBe(false)
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['active'])
  })

  test('told by ten at once makes one job', async () => {
    const id = await startUpload(t.db)
    const told = await Promise.all(Array.from({ length: 10 }, () => enqueue(id)))
    expect(told.filter(Boolean)).toHaveLength(1)
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
  })

  test('of a deleted video queues nothing', async () => {
    const deleted = await startUpload(t.db)
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, deleted))
    for (const id of [deleted, crypto.randomUUID()]) {
      expect(await enqueue(id)).toBe(false)
      expect(await liveJobs(t.boss, 'first', id)).toEqual([])
      expect(await findUpload(t.db, id)).toBeNull()
    }
  })
})

test('a video whose upload is under way is not cancelled: its source is not here yet', async () => {
  const id = await startUpload(t.db)
  expect(await t.db.transaction().execute(trx => cancelVideo(trx, t.boss, id))).toBe('conflict')
  expect((await readVideo(t.db, id)).status).toBe('uploading')
})

describe('removing', () => {
  test('an open upload removes video and upload', async () => {
    const id = await startUpload(t.db)
    expect(await removeOpenUpload(t.db, id)).toBe(true)
    expect(await findUpload(t.db, id)).toBeNull()
    expect(await t.db.selectFrom('videos').selectAll().execute()).toEqual([])
    expect(await removeOpenUpload(t.db, id)).toBe(false)
  })

  test('a finished upload is refused', async () => {
    const id = await queueUpload(t)
    expect(await removeOpenUpload(t.db, id)).toBe(false)
    expect((await readVideo(t.db, id)).status).toBe('queued')
  })

  test('at the same moment as the last byte ends in one of the two, never in a deadlock', async () => {
    for (let round = 0; round < 15; round++) {
      const id = await startUpload(t.db)
      const [queued, removed] = await Promise.all([enqueue(id), removeOpenUpload(t.db, id)])
      expect([queued, removed].filter(Boolean)).toHaveLength(1)
      expect(await liveJobs(t.boss, 'first', id)).toHaveLength(queued ? 1 : 0)
    }
  })
})

test('what open uploads have still to send counts, finished ones do not', async () => {
  expect(await promisedBytes(t.db)).toBe(0)
  const open = await startUpload(t.db, 3_000_000_000)
  await startUpload(t.db, 5)
  await queueUpload(t, 1000)
  await touchUpload(t.db, open, 1_000_000_000)
  expect(await promisedBytes(t.db)).toBe(2_000_000_005)
})

test('an upload expires a day after its last byte, not after its creation', async () => {
  const id = await startUpload(t.db, 10)
  const other = await startUpload(t.db, 10)
  await sql`update uploads set
    created_at = now() - interval '3 days',
    last_byte_at = now() - interval '2 days',
    expires_at = now() - interval '1 day'`.execute(t.db)
  expect(await openUploads(t.db)).toEqual([])
  expect((await expiredUploads(t.db)).map(upload => upload.id).sort()).toEqual([id, other].sort())
  await touchUpload(t.db, id, 5)
  expect(await openUploads(t.db)).toEqual([{ id, length: 10 }])
  expect(await expiredUploads(t.db)).toEqual([{ id: other, length: 10 }])
  // As the sweep finds it when it read the list before those bytes came.
  const remove = (upload: string) => t.db.transaction().execute(trx => removeExpiredUpload(trx, upload))
  expect(await remove(id)).toBe(false)
  expect(await remove(other)).toBe(true)
  expect(await findUpload(t.db, id)).not.toBeNull()
  expect(await findUpload(t.db, other)).toBeNull()
  const upload = await findUpload(t.db, id)
  expect(Number(upload?.expiresAt) - Number(upload?.lastByteAt)).toBe(UPLOAD_EXPIRES_AFTER_MS)
})

test('a finished upload is no open one', async () => {
  await queueUpload(t)
  expect(await openUploads(t.db)).toEqual([])
})
