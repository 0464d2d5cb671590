import { sql } from 'kysely'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  claimVideo,
  emptyDatabase,
  growthOf,
  growVideo,
  processVideo,
  publicationOf,
  queueUpload,
  queueVideo,
  startUpload,
  takeJob,
} from '#test/videos.ts'
import { failForNow } from './attempts.ts'
import type { Job } from './boss.ts'
import type { Trx } from './client.ts'
import { eventsAfter, lastEventId, listenForVideos, milestonesOf } from './events.ts'
import { publishGrowing } from './first.ts'
import { report, saveFacts } from './progress.ts'
import { publish } from './publish.ts'
import { cancelVideo, retryVideo } from './videos.ts'

const t = await createTestDatabase()

test('events of the videos asked for are replayed in order, after the one last seen', async () => {
  const id = await queueVideo(t)
  const other = await startUpload(t.db)
  const seen = await lastEventId(t.db, [id])
  await claimVideo(t, id)
  expect((await eventsAfter(t.db, [id], 0)).map(event => event.stage)).toEqual([
    ...['uploading', 'received', 'queued', 'claimed', 'probing'],
  ])
  expect((await eventsAfter(t.db, [id], seen)).map(event => event.stage)).toEqual(['claimed', 'probing'])
  expect(new Set((await eventsAfter(t.db, [id, other], 0)).map(event => event.video_id))).toEqual(
    new Set([id, other]),
  )
  expect(await eventsAfter(t.db, [], 0)).toEqual([])
  expect(await lastEventId(t.db, [])).toBe(0)
})

test('a listener says that it may have missed something when it begins and after a cut, and hears again', async () => {
  const heard: string[] = []
  const errors: Error[] = []
  let gaps = 0
  const listener = listenForVideos(t.url, 'pgreel-listener', {
    onVideo: id => heard.push(id),
    onGap: () => gaps++,
    onError: error => errors.push(error),
  })
  onTestFinished(() => listener.close())
  const hears = () =>
    expect
      .poll(
        async () => {
          await startUpload(t.db)
          return heard.length
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)
  await hears()
  await expect.poll(() => gaps).toBe(1)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'pgreel-listener' and datname = current_database()`.execute(t.db)
  await expect.poll(() => gaps, { timeout: 10_000 }).toBe(2)
  expect(errors).toHaveLength(1)
  heard.length = 0
  await hears()
})

describe('milestones', () => {
  const milestones = async (id: string) => (await milestonesOf(t.db, id)).map(({ stage }) => stage)
  const inTransaction = <T>(work: (trx: Trx) => Promise<T>) => t.db.transaction().execute(work)
  const facts = { json: {}, durationSeconds: 3, width: 320, height: 240, work: 1 }
  const ours = { cause: 'ours', code: 'internal', message: 'Oh.' } as const
  const claimFirst = async (id: string) => {
    const job = await takeJob(t.boss, 'first')
    return { id, job, attempt: await claimVideo(t, id, job, 'first') }
  }
  const makeLadder = async (id: string) => {
    const job = await takeJob(t.boss, 'ladder')
    const attempt = await claimVideo(t, id, job)
    await saveFacts(t.db, attempt, facts)
    for (const stage of ['encoding', 'verifying', 'verifying', 'publishing', 'publishing'])
      await report(t.db, attempt, { stage, progress: 0.5 })
    await inTransaction(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  }
  beforeEach(() => emptyDatabase(t))

  test('of a video that goes its way are told once each, in order', async () => {
    const id = await queueUpload(t)
    const { attempt, job } = await claimFirst(id)
    await saveFacts(t.db, attempt, facts)
    await inTransaction(trx => publishGrowing(trx, t.boss, job, attempt, growthOf(attempt, 1)))
    await makeLadder(id)
    expect(await milestones(id)).toEqual([
      ...['received', 'queued', 'claimed', 'probed', 'playable'],
      ...['claimed', 'encoded', 'verified', 'ready'],
    ])
  })

  test('of a ladder that overtakes the first rung name the moment when the video plays', async () => {
    const id = await queueVideo(t)
    await makeLadder(id)
    expect(await milestones(id)).toEqual([
      ...['received', 'queued', 'claimed', 'probed', 'encoded', 'verified', 'playable', 'ready'],
    ])
  })

  test('of a first rung that is begun again after it played are not told twice', async () => {
    const { id } = await growVideo(t, 2)
    const attempt = await claimVideo(t, id, undefined, 'first')
    const [job] = await t.boss.findJobs('first', { key: id })
    await inTransaction(trx => publishGrowing(trx, t.boss, job as Job, attempt, growthOf(attempt, 3)))
    expect(await milestones(id)).toEqual(['received', 'queued', 'claimed', 'playable', 'claimed'])
  })

  test('of a try that failed stay, and the next has its own', async () => {
    const { id, attempt, job } = await processVideo(t)
    await saveFacts(t.db, attempt, facts)
    await report(t.db, attempt, { stage: 'verifying', progress: 0.99 })
    await inTransaction(trx => failForNow(trx, t.boss, job, attempt, ours))
    await makeLadder(id)
    expect(await milestones(id)).toEqual([
      ...['received', 'queued', 'claimed', 'probed', 'encoded'],
      ...['queued', 'claimed', 'encoded', 'verified', 'playable', 'ready'],
    ])
  })

  test('of a video that was cancelled and asked for again go on with one more place in the queue', async () => {
    const id = await queueUpload(t)
    await inTransaction(trx => cancelVideo(trx, t.boss, id))
    await inTransaction(trx => retryVideo(trx, t.boss, id))
    expect(await milestones(id)).toEqual(['received', 'queued', 'cancelled', 'queued'])
  })
})
