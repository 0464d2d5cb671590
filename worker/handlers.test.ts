// Each entry of the catalogue does something that can be seen: an entry without an effect here does
// not compile, and fails.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fail } from '#db/attempts.ts'
import { publishExtra } from '#db/extend.ts'
import { givePoster } from '#db/given.ts'
import { isOurStorage } from '#db/installation.ts'
import { type JobName, jobNames } from '#db/jobs.ts'
import { touchUpload } from '#db/uploads.ts'
import { cancelVideo, deleteVideo, findVideo, retryVideo } from '#db/videos.ts'
import { attemptKey, attemptPrefix, sourceKey } from '#media/keys.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { storeFile } from '#test/library.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  extendVideo,
  extraOf,
  growVideo,
  liveJobs,
  loseJob,
  processVideo,
  queueUpload,
  queueVideo,
  readVideo,
  readyVideo,
  startUpload,
  takeJob,
} from '#test/videos.ts'
import { createWorkerContext, emptyStorage, listKeys, makeFolder, runJob } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { handlers } from './handlers.ts'

const t = await createTestDatabase()
let context: WorkerContext
let clip: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '120' })
  clip = await makeClip(await makeFolder(), 'clip.mp4', { width: 160, height: 120, seconds: 1 })
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

const effects: { [Name in JobName]: () => Promise<void> } = {
  async first() {
    const { length } = await readFile(clip)
    const id = await queueUpload(t, length)
    await copyFile(clip, context.storage.localPath(sourceKey(id)))
    await runJob(context, 'first')
    expect(await findVideo(t.db, id)).toMatchObject({
      ...{ status: 'processing', playable_at: expect.any(Date), url_hls: expect.any(String) },
    })
  },

  async ladder() {
    const { length } = await readFile(clip)
    const id = await queueVideo(t, length)
    await copyFile(clip, context.storage.localPath(sourceKey(id)))
    await runJob(context, 'ladder')
    expect(await findVideo(t.db, id)).toMatchObject({ status: 'ready', playable_at: expect.any(Date) })
  },

  async rung() {
    const { length } = await readFile(clip)
    const id = await queueVideo(t, length)
    await copyFile(clip, context.storage.localPath(sourceKey(id)))
    await runJob(context, 'ladder')
    const { url_hls } = await readVideo(t.db, id)
    const lost = { state: 'failed', error_code: 'ffmpeg_killed' } as const
    await t.db.updateTable('renditions').set(lost).where('key', 'like', '%/v120/%').execute()
    await t.db.transaction().execute(trx => retryVideo(trx, t.boss, id))
    await runJob(context, 'rung')
    const { url_hls: after, renditions } = (await findVideo(t.db, id)) ?? {}
    expect(after).not.toBe(url_hls)
    expect(renditions?.map(({ state }) => state)).not.toContain('failed')
  },

  async extra() {
    const { length } = await readFile(clip)
    const id = await queueVideo(t, length)
    await copyFile(clip, context.storage.localPath(sourceKey(id)))
    await runJob(context, 'ladder')
    await runJob(context, 'extra')
    expect(await findVideo(t.db, id)).toMatchObject({
      url_preview: expect.stringMatching(/preview\.webp$/),
      url_storyboard: expect.stringMatching(/storyboard\.vtt$/),
    })
  },

  async poster() {
    const { length } = await readFile(clip)
    const id = await queueVideo(t, length)
    await copyFile(clip, context.storage.localPath(sourceKey(id)))
    await runJob(context, 'ladder')
    const { thumbnail } = await readVideo(t.db, id)
    await t.db.transaction().execute(trx => givePoster(trx, t.boss, id, { atSeconds: 0.5 }))
    await runJob(context, 'poster')
    expect((await readVideo(t.db, id)).thumbnail).not.toBe(thumbnail)
  },

  async purge() {
    const { id, attempt } = await processVideo(t)
    await store(sourceKey(id), 'source')
    await store(`${attemptPrefix(id, attempt.token)}/video.mp4`, 'rendition')
    const other = await startUpload(t.db)
    await store(sourceKey(other), 'another')
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))
    await runJob(context, 'purge')
    expect(await listKeys(context, 'videos')).toEqual([])
    expect(await listKeys(context, 'sources')).toEqual([sourceKey(other)])
    expect((await t.db.selectFrom('videos').select('id').execute()).map(video => video.id)).toEqual([other])
    expect(await t.db.selectFrom('attempts').select('token').execute()).toEqual([])
  },

  async dead() {
    const { id, job } = await processVideo(t)
    await sql`update pgboss.job set retry_limit = 0 where id = ${job.id}`.execute(t.db)
    await t.boss.fail('ladder', job.id)
    expect((await readVideo(t.db, id)).status).toBe('processing')
    await runJob(context, 'dead')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'gave_up' })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'crashed' }])
  },

  async sweep() {
    const finished = await startUpload(t.db, 4)
    await store(sourceKey(finished), 'film')
    await sweep()
    expect((await readVideo(t.db, finished)).status).toBe('queued')
    expect(await liveJobs(t.boss, 'first', finished)).toEqual(['created'])
  },

  async tidy() {
    await isOurStorage(t.db, await context.storage.identity())
    await t.db.updateTable('installation').set({ created_at: sql<Date>`now() - interval '1 day'` }).execute()
    await storeFile(context.storage, sourceKey(crypto.randomUUID()), 'nobody’s')
    await t.boss.send('tidy', {})
    await runJob(context, 'tidy')
    expect(await listKeys(context, 'sources')).toEqual([])
  },
}

describe('each entry of the catalogue', () => {
  test('has exactly one handler', () => {
    expect(Object.keys(handlers).sort()).toEqual([...jobNames].sort())
    expect(new Set(Object.values(handlers)).size).toBe(jobNames.length)
  })

  test.each(jobNames)('has an effect that can be seen: %s', async name => {
    expect(effects[name], `write down here what ${name} does`).toBeTypeOf('function')
    await effects[name]()
  })
})

describe('a second delivery changes nothing:', () => {
  test('purge of a video that is gone, or was never deleted', async () => {
    const id = await startUpload(t.db)
    await store(sourceKey(id), 'source')
    for (const videoId of [id, crypto.randomUUID()]) {
      await t.boss.send('purge', { videoId })
      await runJob(context, 'purge')
    }
    expect((await readVideo(t.db, id)).status).toBe('uploading')
    expect(await context.storage.stat(sourceKey(id))).not.toBeNull()
  })

  test('dead of a video that is ready', async () => {
    const { length } = await readFile(clip)
    const id = await queueVideo(t, length)
    await copyFile(clip, context.storage.localPath(sourceKey(id)))
    await runJob(context, 'ladder')
    const before = await readVideo(t.db, id)
    await t.boss.send('dead', { videoId: id })
    await runJob(context, 'dead')
    expect(await readVideo(t.db, id)).toEqual(before)
  })
})

test('dead that comes again after a person retried ends nothing of the new work', async () => {
  const id = await queueVideo(t)
  await t.boss.send('dead', { videoId: id })
  await runJob(context, 'dead')
  expect((await readVideo(t.db, id)).status).toBe('queued')
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
})

test('dead of an extra ends its attempt, and leaves the video ready', async () => {
  const { id, job } = await extendVideo(t)
  const before = await readVideo(t.db, id)
  await sql`update pgboss.job set retry_limit = 0 where id = ${job.id}`.execute(t.db)
  await t.boss.fail('extra', job.id)
  await runJob(context, 'dead')
  expect(await readVideo(t.db, id)).toEqual(before)
  expect(await attemptsOf(t.db, id)).toMatchObject([
    { outcome: 'won' },
    { kind: 'extra', outcome: 'crashed' },
  ])
})

test('a job without a try left is over in the transaction that ends its video', async () => {
  const { id } = await processVideo(t)
  await sql`update attempts set outcome = 'crashed', ended_at = now()`.execute(t.db)
  await sql`insert into attempts (token, video_id, kind, recipe, worker_id, outcome, ended_at)
    select gen_random_uuid(), ${id}, 'ladder', '', ${id}, 'crashed', now() from generate_series(1, 20)`.execute(
    t.db,
  )
  await loseJob(t.boss, id)
  await handlers.ladder(context, { videoId: id }, await takeJob(t.boss, 'ladder'))
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'gave_up' })
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
})

describe('the sweep', () => {
  test('removes an expired upload with its bytes, and leaves one that still comes', async () => {
    const expired = await startUpload(t.db, 100)
    const coming = await startUpload(t.db, 100)
    for (const id of [expired, coming]) await store(sourceKey(id), 'half')
    await sql`update uploads set expires_at = now() - interval '1 second'`.execute(t.db)
    await touchUpload(t.db, coming, 4)
    await sweep()
    expect((await t.db.selectFrom('videos').select('id').execute()).map(video => video.id)).toEqual([coming])
    expect(await context.storage.stat(sourceKey(expired))).toBeNull()
    expect(await context.storage.stat(sourceKey(coming))).not.toBeNull()
    expect(await liveJobs(t.boss, 'ladder', coming)).toEqual([])
  })

  test('queues an expired upload that is whole, rather than to remove it', async () => {
    const id = await startUpload(t.db, 4)
    await store(sourceKey(id), 'film')
    await sql`update uploads set expires_at = now() - interval '1 second'`.execute(t.db)
    await sweep()
    expect((await readVideo(t.db, id)).status).toBe('queued')
    expect(await context.storage.stat(sourceKey(id))).not.toBeNull()
  })

  test('gives a job to an unfinished video that has none, and to nobody else', async () => {
    const stranded = await queueVideo(t)
    await sql`delete from pgboss.job`.execute(t.db)
    const waiting = await queueVideo(t)
    await sweep()
    expect(await liveJobs(t.boss, 'first', stranded)).toEqual(['created'])
    expect(await liveJobs(t.boss, 'first', waiting)).toEqual([])
    expect(await liveJobs(t.boss, 'ladder', waiting)).toEqual(['created'])
  })

  test('sends what is still to be made of a video that plays', async () => {
    const { id } = await growVideo(t, 1)
    await sql`delete from pgboss.job`.execute(t.db)
    await sweep()
    for (const work of ['first', 'ladder'] as const)
      expect(await liveJobs(t.boss, work, id)).toEqual(['created'])
  })

  test('removes what a newer publication took the place of, hours later', async () => {
    const { id, attempt } = await growVideo(t, 1)
    await store(attemptKey(id, attempt.token, 'v240/00000.m4s'), 'film')
    await t.db.transaction().execute(trx => cancelVideo(trx, t.boss, id))
    await sweep()
    expect(await listKeys(context, 'videos')).toHaveLength(1)
    await sql`update publications set superseded_at = now() - interval '7 hours'`.execute(t.db)
    await sweep()
    expect(await listKeys(context, 'videos')).toEqual([])
  })

  test('sends the purge of a deleted video again when its job is gone', async () => {
    const id = await queueVideo(t)
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))
    await sql`delete from pgboss.job`.execute(t.db)
    await sweep()
    expect(await liveJobs(t.boss, 'purge', id)).toEqual(['created'])
  })

  test('one row that cannot be healed keeps nothing else from it', async () => {
    const broken = await startUpload(t.db, 4)
    const whole = await startUpload(t.db, 4)
    await store(sourceKey(broken), 'film')
    await store(sourceKey(whole), 'film')
    const { storage } = context
    const sync = (key: string) =>
      key === sourceKey(broken) ? Promise.reject(new Error('EIO')) : storage.sync(key)
    const stubborn = Object.assign(Object.create(storage), { sync })
    await t.boss.send('sweep', {})
    await runJob({ ...context, storage: stubborn }, 'sweep')
    expect((await readVideo(t.db, broken)).status).toBe('uploading')
    expect((await readVideo(t.db, whole)).status).toBe('queued')
  })

  test('clears the files of an attempt that was lost, not of one that runs', async () => {
    const id = await queueVideo(t)
    const lost = await claimVideo(t, id)
    const running = await claimVideo(t, id)
    for (const { token } of [lost, running]) await store(`${attemptPrefix(id, token)}/video.mp4`, 'bytes')
    await sql`update attempts set ended_at = now() - interval '2 minutes'
      where token = ${lost.token}`.execute(t.db)
    await sweep()
    expect(await listKeys(context, 'videos')).toEqual([`${attemptPrefix(id, running.token)}/video.mp4`])
  })

  test('queues once, however often it runs and even while the work is on', async () => {
    const id = await startUpload(t.db, 4)
    await store(sourceKey(id), 'film')
    await sweep()
    await claimVideo(t, id, await takeJob(t.boss, 'first'), 'first')
    await sweep()
    expect((await readVideo(t.db, id)).status).toBe('processing')
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['active'])
  })
})

describe('the sweep gives the extra', () => {
  test('to a ready video without one and without a job, once', async () => {
    const id = await readyVideo(t)
    await sql`delete from pgboss.job`.execute(t.db)
    await sweep()
    await sweep()
    expect(await liveJobs(t.boss, 'extra', id)).toEqual(['created'])
  })

  test('to no video that has it, is not ready, is deleted, or on which tries were spent', async () => {
    const extended = await extendVideo(t)
    const extra = extraOf(extended.attempt, (await readVideo(t.db, extended.id)).publication_id)
    await t.db.transaction().execute(trx => publishExtra(trx, t.boss, extended.job, extended.attempt, extra))
    await queueVideo(t)
    const deleted = await readyVideo(t)
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, deleted))
    const hopeless = await readyVideo(t)
    await sql`insert into attempts (token, video_id, kind, recipe, worker_id, outcome, cause, ended_at)
      select gen_random_uuid(), ${hopeless}, 'extra', '', ${hopeless}, 'failed', 'ours', now()
      from generate_series(1, 3)`.execute(t.db)
    await sql`delete from pgboss.job`.execute(t.db)
    await sweep()
    expect(await t.boss.findJobs('extra')).toEqual([])
  })
})

describe('sources', () => {
  const keeping = async (days: string) => ({
    ...(await createWorkerContext(t, { KEEP_SOURCE: days })),
    storage: context.storage,
  })
  const isStored = async (id: string) => (await context.storage.stat(sourceKey(id))) !== null

  async function readyFor(days: number): Promise<string> {
    const id = await readyVideo(t)
    await store(sourceKey(id), 'source')
    await sql`update videos set ready_at = now() - ${days} * interval '1 day' where id = ${id}`.execute(t.db)
    return id
  }

  test('are kept for ever unless the operator says otherwise', async () => {
    const id = await readyFor(1000)
    await sweep()
    expect(await isStored(id)).toBe(true)
    expect((await readVideo(t.db, id)).source_removed_at).toBeNull()
  })

  test('go as soon as their video is ready, or after some days, and the row says when', async () => {
    const [old, young] = [await readyFor(3), await readyFor(2)]
    await sweep(await keeping('2.5'))
    expect([await isStored(old), await isStored(young)]).toEqual([false, true])
    const before = await readVideo(t.db, old)
    expect(before.source_removed_at).toBeInstanceOf(Date)
    await sweep(await keeping('never'))
    expect(await isStored(young)).toBe(false)
    expect(await readVideo(t.db, old)).toEqual(before)
  })

  test('stay while their video is unfinished, has failed or is worked on', async () => {
    const queued = await queueVideo(t)
    const failed = await processVideo(t)
    const failure = { cause: 'video', code: 'not_a_video', message: 'No.' } as const
    await t.db.transaction().execute(trx => fail(trx, t.boss, failed.job, failed.attempt, failure))
    const extended = await extendVideo(t)
    const ids = [queued, failed.id, extended.id]
    for (const id of ids) await store(sourceKey(id), 'source')
    await sweep(await keeping('never'))
    expect(await Promise.all(ids.map(isStored))).toEqual([true, true, true])
  })

  test('stay while a rendition of what plays is missing: it can be made of them', async () => {
    const id = await readyFor(1)
    await sql`update renditions set state = 'failed', error_code = 'test' where video_id = ${id}`.execute(
      t.db,
    )
    await sweep(await keeping('never'))
    expect(await isStored(id)).toBe(true)
  })

  test('that could not be removed are tried again, and not said to be gone', async () => {
    const id = await readyFor(1)
    const own = await keeping('never')
    const remove = () => Promise.reject(new Error('EIO'))
    await sweep({ ...own, storage: Object.assign(Object.create(context.storage), { remove }) })
    expect((await readVideo(t.db, id)).source_removed_at).toBeNull()
    await sweep(own)
    expect(await isStored(id)).toBe(false)
  })

  test('that are gone cannot be retried', async () => {
    const id = await readyFor(1)
    await sweep(await keeping('never'))
    const retry = () => t.db.transaction().execute(trx => retryVideo(trx, t.boss, id))
    expect(await retry()).toBe('source gone')
  })
})

async function sweep(own: WorkerContext = context): Promise<void> {
  await t.boss.send('sweep', {})
  await runJob(own, 'sweep')
}

async function store(key: string, content: string): Promise<void> {
  const file = context.storage.localPath(key)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, content)
}
