import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  liveJobs,
  processVideo,
  publicationOf,
  readVideo,
  snapshot,
  takeAway,
} from '#test/videos.ts'
import { JobLost } from './boss.ts'
import { publish } from './publish.ts'
import { findVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

test('publishing makes the video ready, ends the attempt as won and completes the job', async () => {
  const { id, attempt, job } = await processVideo(t)
  const publication = publicationOf(attempt)
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publication))
  expect(await findVideo(t.db, id)).toMatchObject({
    status: 'ready',
    progress: 1,
    url_hls: publication.masterKey,
    url_mp4: publication.mp4Key,
    thumbnail: null,
    duration_ms: 2000,
    width: 320,
    height: 240,
    playable_at: expect.any(Date),
    ready_at: expect.any(Date),
    renditions: [{ kind: 'video', width: 320, height: 240, codecs: 'avc1.64000d', state: 'ready' }],
  })
  expect(await attemptsOf(t.db, id)).toMatchObject([{ token: attempt.token, outcome: 'won' }])
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
})

test('a publish whose last statement fails leaves nothing behind', async () => {
  const { attempt, job } = await processVideo(t)
  const before = await snapshot(t.db)
  const broken = { ...publicationOf(attempt), durationSeconds: 0 }
  const failing = t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, broken))
  // The update of the video comes last: by then every other row of the publication was written.
  await expect(failing).rejects.toMatchObject({ constraint: 'videos_duration_ms_check' })
  expect(await snapshot(t.db)).toEqual(before)
  const whole = publicationOf(attempt)
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, whole))
})

test('two that publish with one token: one wins, the other changes nothing', async () => {
  const { id, attempt, job } = await processVideo(t)
  const once = () =>
    t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  const results = await Promise.allSettled([once(), once()])
  expect(results.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find(result => result.status === 'rejected')).toMatchObject({ reason: expect.any(JobLost) })
  expect(await t.db.selectFrom('publications').selectAll().where('video_id', '=', id).execute()).toHaveLength(
    1,
  )
})

test('a publish after the job was taken away changes nothing', async () => {
  const { id, attempt, job } = await processVideo(t)
  await takeAway(t, id)
  const before = await snapshot(t.db)
  const late = t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  await expect(late).rejects.toThrow(JobLost)
  expect(await snapshot(t.db)).toEqual(before)
})

test('the video is playable in the same instant as it is ready, and knows when', async () => {
  const { id, attempt, job } = await processVideo(t)
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  const { rows } = await sql<{ same: boolean }>`
    select playable_at = ready_at as same from videos where id = ${id}`.execute(t.db)
  expect(rows).toEqual([{ same: true }])
})

test("the probe's size of the source is kept", async () => {
  const { id, attempt, job } = await processVideo(t)
  await t.db.updateTable('videos').set({ width: 161, height: 121 }).where('id', '=', id).execute()
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  expect(await readVideo(t.db, id)).toMatchObject({ width: 161, height: 121 })
})

test("an attempt's keys are its own: no other publication can name them", async () => {
  const first = await processVideo(t)
  const publication = publicationOf(first.attempt)
  await t.db.transaction().execute(trx => publish(trx, t.boss, first.job, first.attempt, publication))
  const second = await processVideo(t)
  const copied = t.db
    .transaction()
    .execute(trx => publish(trx, t.boss, second.job, second.attempt, publication))
  await expect(copied).rejects.toMatchObject({ constraint: 'renditions_key_key' })
  expect(await claimVideo(t, second.id)).toMatchObject({ videoId: second.id })
})
