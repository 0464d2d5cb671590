// Videos in the states that tests begin with, reached through the same functions as in production.
import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Attempt } from '#db/attempts.ts'
import { type Boss, cancelJobs, type Job, send } from '#db/boss.ts'
import type { Work } from '#db/budgets.ts'
import { claim } from '#db/claim.ts'
import type { Db } from '#db/client.ts'
import type { NewExtra } from '#db/extend.ts'
import { type Growth, publishGrowing } from '#db/first.ts'
import type { JobName } from '#db/jobs.ts'
import { type NewPublication, publish } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { createUpload, enqueueUpload } from '#db/uploads.ts'
import { attemptKey, sourceKey } from '#media/keys.ts'

interface Stores {
  db: Db
  boss: Boss
}

/** Removes every video and job, so that the next fetch gets the test's own. */
export async function emptyDatabase({ db }: Stores): Promise<void> {
  await sql`truncate videos, workers, installation cascade`.execute(db)
  await sql`delete from pgboss.job`.execute(db)
}

/** A video that waits for `length` bytes. @returns its id */
export async function startUpload(db: Db, length = 10, title = 'A video'): Promise<string> {
  const id = crypto.randomUUID()
  await db
    .transaction()
    .execute(trx => createUpload(trx, { id, title, length, sourceKey: sourceKey(id), metadata: {} }))
  return id
}

/** A video whose last byte came. @returns its id */
export async function queueUpload({ db, boss }: Stores, length = 10): Promise<string> {
  const id = await startUpload(db, length)
  await db.transaction().execute(trx => enqueueUpload(trx, boss, id))
  return id
}

/** A video that waits for its ladder, and never had a first rung. @returns its id */
export async function queueVideo({ db, boss }: Stores, length = 10): Promise<string> {
  const id = await queueUpload({ db, boss }, length)
  await db.transaction().execute(async trx => {
    await cancelJobs(trx, boss, id, ['first'])
    await send(trx, boss, 'ladder', { videoId: id })
  })
  return id
}

/** Fetches the next job as a worker does, whatever delay a retry has. */
export async function takeJob(
  boss: Boss,
  name: JobName,
  signal = new AbortController().signal,
): Promise<Job> {
  const [job] = await boss.fetch<object>(name, { ignoreStartAfter: true })
  if (!job) throw new Error(`no ${name} job waits`)
  return { ...job, signal }
}

/** As when a worker's heartbeat stopped: the job goes back, and what the worker holds is void. */
export async function loseJob(boss: Boss, id: string, work: Work = 'ladder'): Promise<void> {
  const jobs = await boss.findJobs(work, { key: id })
  const held = jobs.find(job => job.state === 'active')
  if (held) await boss.fail(work, held.id)
}

async function takeOver(boss: Boss, id: string, work: Work): Promise<Job> {
  await loseJob(boss, id, work)
  return takeJob(boss, work)
}

const CLAIM = { recipe: 'test', bytesExpected: 1000 }

/** Claims with `job`, or with one that was taken from whoever has it now. */
export async function claimVideo(
  { db, boss }: Stores,
  videoId: string,
  job?: Job,
  kind: Work = 'ladder',
): Promise<Attempt> {
  const own = job ?? (await takeOver(boss, videoId, kind))
  const claimed = await db
    .transaction()
    .execute(trx => claim(trx, boss, own, { videoId, kind, ...CLAIM, workerId: crypto.randomUUID() }))
  if (!claimed) throw new Error(`nothing to claim on ${videoId}`)
  return claimed.attempt
}

/** A video that a worker is busy with. */
export async function processVideo(
  stores: Stores,
  length?: number,
): Promise<{ id: string; attempt: Attempt; job: Job }> {
  const id = await queueVideo(stores, length)
  const job = await takeJob(stores.boss, 'ladder')
  return { id, job, attempt: await claimVideo(stores, id, job) }
}

/** A video that plays; its extra waits. */
export async function readyVideo(stores: Stores): Promise<string> {
  const { id, attempt, job } = await processVideo(stores)
  await stores.db
    .transaction()
    .execute(trx => publish(trx, stores.boss, job, attempt, publicationOf(attempt)))
  return id
}

/** A video that plays, whose extra a worker is busy with. */
export async function extendVideo(stores: Stores): Promise<{ id: string; attempt: Attempt; job: Job }> {
  const id = await readyVideo(stores)
  const job = await takeJob(stores.boss, 'extra')
  return { id, job, attempt: await claimVideo(stores, id, job, 'extra') }
}

/** What a first rung has after `count` segments, each of 2 s and 100 bytes. */
export function growthOf({ videoId, token }: Attempt, count: number): Growth {
  const segments = Array.from({ length: count }, (_, index) => ({
    ...{ uri: `${String(index).padStart(5, '0')}.m4s`, durationSeconds: 2, bytes: 100 },
  }))
  const renditions = publicationOf({ videoId, token, kind: 'first' }).renditions.map(rendition => ({
    ...{ ...rendition, segments, bytes: count * 100, targetSeconds: 2 },
  }))
  return { durationSeconds: 60, width: 320, height: 240, isWhole: false, renditions }
}

/** A video that plays from its first `count` segments, while a worker makes more; its ladder waits. */
export async function growVideo(stores: Stores, count: number, length?: number) {
  const id = await queueUpload(stores, length)
  const job = await takeJob(stores.boss, 'first')
  const attempt = await claimVideo(stores, id, job, 'first')
  await stores.db
    .transaction()
    .execute(trx => publishGrowing(trx, stores.boss, job, attempt, growthOf(attempt, count)))
  return { id, job, attempt }
}

/** What an extra would publish beside `publicationId`. */
export function extraOf({ videoId, token }: Attempt, publicationId: string | null): NewExtra {
  const file = (kind: 'preview' | 'storyboard', name: string) => ({
    ...{
      kind,
      width: 160,
      height: 90,
      fps: null,
      codecs: null,
      peakBps: null,
      averageBps: null,
      segments: [],
    },
    ...{ key: attemptKey(videoId, token, name), bytes: 1000 },
  })
  return {
    publicationId: publicationId ?? '',
    renditions: [file('preview', 'preview.webp'), file('storyboard', 'storyboard.vtt')],
    leftOut: null,
  }
}

/** What a ladder of one rung would publish. */
export function publicationOf({ videoId, token }: Attempt): NewPublication {
  const key = (name: string) => attemptKey(videoId, token, name)
  return {
    masterKey: key('master.m3u8'),
    mp4Key: key('video.mp4'),
    poster: null,
    durationSeconds: 2,
    width: 320,
    height: 240,
    renditions: [
      {
        kind: 'video',
        width: 320,
        height: 240,
        fps: 30,
        codecs: 'avc1.64000d',
        peakBps: 200_000,
        averageBps: 100_000,
        key: key('v240/index.m3u8'),
        bytes: 25_000,
        segments: [{ uri: '00000.m4s', durationSeconds: 2, bytes: 24_000 }],
      },
    ],
  }
}

export async function readVideo(db: Db, id: string): Promise<VideoRow> {
  return db.selectFrom('videos').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

/** Jobs that have still to run or run now, as `state`, oldest first. */
export async function liveJobs(boss: Boss, name: JobName, videoId: string): Promise<string[]> {
  const jobs = await boss.findJobs<{ videoId: string }>(name)
  return jobs
    .filter(job => job.data?.videoId === videoId && ['created', 'retry', 'active'].includes(job.state))
    .map(job => job.state)
}

export async function attemptsOf(db: Db, videoId: string) {
  return db
    .selectFrom('attempts')
    .select(['token', 'kind', 'outcome', 'cause', 'error_code', 'ended_at'])
    .where('video_id', '=', videoId)
    .orderBy('started_at')
    .execute()
}

/** Takes a job away from its worker, as an operator or a delete does. */
export async function takeAway({ db, boss }: Stores, videoId: string): Promise<void> {
  await db.transaction().execute(trx => cancelJobs(trx, boss, videoId, ['ladder']))
}

/** Every row of every table that work on videos may change: equal twice means nothing changed. */
export async function snapshot(db: Db): Promise<unknown> {
  const [videos, attempts, renditions, publications, events, uploads] = await Promise.all([
    db.selectFrom('videos').selectAll().orderBy('id').execute(),
    db.selectFrom('attempts').selectAll().orderBy('token').execute(),
    db.selectFrom('renditions').selectAll().orderBy('id').execute(),
    db.selectFrom('publications').selectAll().orderBy('id').execute(),
    db.selectFrom('events').selectAll().orderBy('id').execute(),
    db.selectFrom('uploads').selectAll().orderBy('video_id').execute(),
  ])
  const { rows: jobs } = await sql`
    select name, id, state, retry_count
    from pgboss.job
    order by name, id`.execute(db)
  return { videos, attempts, renditions, publications, events, uploads, jobs }
}

/** That a statement is refused, and by which constraint. */
export async function expectRefused(statement: Promise<unknown>, constraint: string): Promise<void> {
  await expect(statement).rejects.toMatchObject({ constraint })
}
