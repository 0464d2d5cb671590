import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, processVideo, queueVideo } from '#test/videos.ts'
import { isOurStorage } from './installation.ts'
import { forgetDeadWorkers, heartbeat, readHealth, removeWorker, type WorkerIdentity } from './workers.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

test('a worker lives while it says so, and is dead for the others ten seconds later', async () => {
  expect(await readHealth(t.db)).toMatchObject({ workersAlive: 0, slots: 0 })
  const [a, b] = [worker(1), worker(3)]
  await heartbeat(t.db, a)
  await heartbeat(t.db, b)
  expect(await readHealth(t.db)).toMatchObject({ workersAlive: 2, slots: 4 })
  await sql`update workers set seen_at = now() - interval '10 seconds' where id = ${a.id}`.execute(t.db)
  expect(await readHealth(t.db)).toMatchObject({ workersAlive: 1, slots: 3 })
  await heartbeat(t.db, a)
  expect(await readHealth(t.db)).toMatchObject({ workersAlive: 2 })
  await removeWorker(t.db, b.id)
  expect(await readHealth(t.db)).toMatchObject({ workersAlive: 1 })
})

test('a worker that is dead for a day is forgotten', async () => {
  const [a, b] = [worker(1), worker(1)]
  await heartbeat(t.db, a)
  await heartbeat(t.db, b)
  await sql`update workers set seen_at = now() - interval '25 hours' where id = ${a.id}`.execute(t.db)
  await forgetDeadWorkers(t.db)
  expect(await t.db.selectFrom('workers').select('id').execute()).toEqual([{ id: b.id }])
})

test('the queue is counted, and how long its first has been waiting', async () => {
  expect(await readHealth(t.db)).toMatchObject({ queued: 0, processing: 0, oldestSeconds: null })
  await processVideo(t)
  const id = await queueVideo(t)
  await queueVideo(t)
  await sql`update uploads set finished_at = now() - interval '90 seconds' where video_id = ${id}`.execute(
    t.db,
  )
  const health = await readHealth(t.db)
  expect(health).toMatchObject({ queued: 2, processing: 1 })
  expect(health.oldestSeconds).toBeGreaterThanOrEqual(90)
  expect(health.oldestSeconds).toBeLessThan(150)
})

test('the first storage that meets a database is its only one', async () => {
  const [ours, other] = [crypto.randomUUID(), crypto.randomUUID()]
  expect(await isOurStorage(t.db, ours)).toBe(true)
  expect(await isOurStorage(t.db, ours)).toBe(true)
  expect(await isOurStorage(t.db, other)).toBe(false)
})

function worker(slots: number): WorkerIdentity {
  return { id: crypto.randomUUID(), host: 'test', pid: 1, slots }
}
