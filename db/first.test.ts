// What a first rung may say while it grows, when a ladder follows, and how a video ends whichever of
// the two fails.
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  extraOf,
  growthOf,
  growVideo,
  liveJobs,
  publicationOf,
  queueUpload,
  readVideo,
  snapshot,
  takeJob,
} from '#test/videos.ts'
import { type Attempt, fail, failForNow, giveUp, handBack, passOn } from './attempts.ts'
import { complete as completeJob, type Job, JobLost } from './boss.ts'
import type { Trx } from './client.ts'
import { publishExtra } from './extend.ts'
import { addPoster, completeFirst, grow, publishGrowing } from './first.ts'
import { forgetSuperseded, unsweptAttempts, unsweptPublications } from './leftovers.ts'
import { missingRenditions } from './missing.ts'
import { publish } from './publish.ts'
import { cancelVideo, deleteVideo, findVideo, retryVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

const inTransaction = <T>(work: (trx: Trx) => Promise<T>) => t.db.transaction().execute(work)
const bad = { cause: 'video', code: 'truncated', message: 'The file is incomplete.' } as const
const ours = { cause: 'ours', code: 'internal', message: 'Oh.' } as const

interface Work {
  id: string
  attempt: Attempt
  job: Job
}

describe('the first segment', () => {
  test('makes a video playable that is still processing, and sends its ladder', async () => {
    const { id } = await growVideo(t, 1)
    expect(await findVideo(t.db, id)).toMatchObject({
      ...{ status: 'processing', stage: 'playable', url_hls: null, duration_ms: 60_000 },
      ...{ playable_at: expect.any(Date), publication_id: expect.any(String) },
      renditions: [{ kind: 'video', width: 320, height: 240, state: 'ready' }],
    })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['active'])
  })

  test('carries the request on to the ladder', async () => {
    const work = await claimFirst()
    const asked = { ...work.job, data: { videoId: work.id, requestId: 'r-1' } }
    await inTransaction(trx => publishGrowing(trx, t.boss, asked, work.attempt, growthOf(work.attempt, 1)))
    expect((await takeJob(t.boss, 'ladder')).data).toEqual({ videoId: work.id, requestId: 'r-1' })
  })

  test('of an attempt that lost its work changes nothing', async () => {
    const work = await claimFirst()
    await claimVideo(t, work.id, undefined, 'first')
    const before = await snapshot(t.db)
    const publishing = inTransaction(trx =>
      publishGrowing(trx, t.boss, work.job, work.attempt, growthOf(work.attempt, 1)),
    )
    await expect(publishing).rejects.toThrow(JobLost)
    expect(await snapshot(t.db)).toEqual(before)
  })
})

describe('growing', () => {
  test('lists more, and is no news of the video', async () => {
    const work = await growVideo(t, 1)
    const before = await readVideo(t.db, work.id)
    expect(await grow(t.db, work.attempt, growthOf(work.attempt, 4).renditions)).toBe(true)
    expect(await readVideo(t.db, work.id)).toEqual(before)
    expect(await listed(work)).toMatchObject({ complete: false, target_seconds: 2, bytes: 400 })
    expect((await listed(work)).segments).toHaveLength(4)
  })

  test('of an attempt that lost its work changes nothing', async () => {
    const work = await growVideo(t, 2)
    await claimVideo(t, work.id, undefined, 'first')
    const before = await snapshot(t.db)
    expect(await grow(t.db, work.attempt, growthOf(work.attempt, 4).renditions)).toBe(false)
    expect(await snapshot(t.db)).toEqual(before)
  })

  test('has a poster when one is made, unless the attempt lost its work', async () => {
    const work = await growVideo(t, 2)
    const { publication_id } = await readVideo(t.db, work.id)
    const key = `videos/${work.id}/${work.attempt.token}/copy/poster.jpg`
    const [example] = growthOf(work.attempt, 0).renditions
    if (!example) throw new Error('no rendition')
    const { targetSeconds: _, ...whole } = example
    const placeholder = 'data:image/jpeg;base64,AAAA'
    const poster = { ...whole, kind: 'poster' as const, key, bytes: 1000, placeholder }
    await inTransaction(trx => addPoster(trx, work.attempt, publication_id ?? '', poster))
    expect(await findVideo(t.db, work.id)).toMatchObject({ thumbnail: key, placeholder, publication_id })
    await claimVideo(t, work.id, undefined, 'first')
    const before = await snapshot(t.db)
    const late = { ...poster, key: `${key}.jpg` }
    const adding = inTransaction(trx => addPoster(trx, work.attempt, publication_id ?? '', late))
    await expect(adding).rejects.toThrow(JobLost)
    expect(await snapshot(t.db)).toEqual(before)
  })

  test('is gone on with by the next attempt, once that has as much', async () => {
    const dead = await growVideo(t, 3)
    const next = { ...dead, attempt: await claimVideo(t, dead.id, undefined, 'first') }
    const [job] = await t.boss.findJobs('first', { key: dead.id })
    next.job = { ...dead.job, ...(job as Job) }
    const tell = (count: number) =>
      inTransaction(trx => publishGrowing(trx, t.boss, next.job, next.attempt, growthOf(next.attempt, count)))
    expect(await tell(2)).toBeNull()
    const before = await readVideo(t.db, dead.id)
    const publicationId = await tell(3)
    expect(await readVideo(t.db, dead.id)).toEqual({
      ...before,
      publication_id: publicationId,
      version: before.version + 1,
    })
    expect(await liveJobs(t.boss, 'ladder', dead.id)).toEqual(['created'])
  })
})

describe('a whole first rung', () => {
  test('has its address, and leaves the video to its ladder', async () => {
    const work = await wholeVideo()
    expect(await readVideo(t.db, work.id)).toMatchObject({ status: 'processing', duration_ms: 8000 })
    expect(await listed(work)).toMatchObject({ complete: true, average_bps: 400 })
    expect(await attemptsOf(t.db, work.id)).toMatchObject([{ kind: 'first', outcome: 'won' }])
    expect(await liveJobs(t.boss, 'first', work.id)).toEqual([])
  })

  test('is superseded by the ladder, and playable since when it was', async () => {
    const { id } = await wholeVideo()
    const { playable_at } = await readVideo(t.db, id)
    const ladder = await claimLadder(id)
    await inTransaction(trx =>
      publish(trx, t.boss, ladder.job, ladder.attempt, publicationOf(ladder.attempt)),
    )
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', playable_at })
  })

  test('whose ladder fails for good is what the video plays, and says so', async () => {
    const { id } = await wholeVideo()
    const before = await readVideo(t.db, id)
    const ladder = await claimLadder(id)
    await inTransaction(trx => fail(trx, t.boss, ladder.job, ladder.attempt, bad))
    const video = await findVideo(t.db, id)
    expect(video).toMatchObject({
      ...{ status: 'ready', ready_at: expect.any(Date), error_code: null },
      ...{ url_hls: before.url_hls, playable_at: before.playable_at },
    })
    expect(video?.renditions.map(({ kind, state }) => [kind, state])).toEqual([
      ['video', 'ready'],
      ['video', 'failed'],
    ])
  })

  test('goes on playing while its ladder is tried again', async () => {
    const { id } = await wholeVideo()
    const before = await readVideo(t.db, id)
    const ladder = await claimLadder(id)
    expect(await inTransaction(trx => failForNow(trx, t.boss, ladder.job, ladder.attempt, ours))).toBe(
      'retried',
    )
    expect(await readVideo(t.db, id)).toMatchObject({
      ...{ status: 'processing', stage: 'queued', url_hls: before.url_hls },
    })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['retry'])
  })
})

describe('a ladder that is there before the first rung', () => {
  test('ends it', async () => {
    const { id, attempt } = await growVideo(t, 1)
    const ladder = await claimLadder(id)
    await inTransaction(trx =>
      publish(trx, t.boss, ladder.job, ladder.attempt, publicationOf(ladder.attempt)),
    )
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready' })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ token: attempt.token, outcome: 'lost' }, {}])
    expect(await liveJobs(t.boss, 'first', id)).toEqual([])
  })

  test('by failing leaves the end to it', async () => {
    const work = await growVideo(t, 1)
    const ladder = await claimLadder(work.id)
    await inTransaction(trx => fail(trx, t.boss, ladder.job, ladder.attempt, bad))
    expect(await readVideo(t.db, work.id)).toMatchObject({ status: 'processing', error_code: null })
    await inTransaction(trx => complete(trx, work))
    expect(await readVideo(t.db, work.id)).toMatchObject({ status: 'ready' })
  })
})

describe('a first rung that fails', () => {
  test('for want of a video is the end of it', async () => {
    const { id, attempt, job } = await claimFirst()
    await inTransaction(trx => fail(trx, t.boss, job, attempt, bad))
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'truncated' })
  })

  test('for a reason of ours passes the video on to its ladder', async () => {
    const { id, attempt, job } = await claimFirst()
    await inTransaction(trx => passOn(trx, t.boss, job, attempt, ours))
    expect(await liveJobs(t.boss, 'first', id)).toEqual([])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
    expect((await readVideo(t.db, id)).status).toBe('processing')
  })

  test('half way, and its ladder too: nothing plays, and the video says why', async () => {
    const { id, attempt, job } = await growVideo(t, 2)
    await inTransaction(trx => passOn(trx, t.boss, job, attempt, ours))
    const ladder = await claimLadder(id)
    expect((await readVideo(t.db, id)).publication_id).not.toBeNull()
    await inTransaction(trx => fail(trx, t.boss, ladder.job, ladder.attempt, bad))
    expect(await readVideo(t.db, id)).toMatchObject({
      ...{ status: 'failed', error_code: 'truncated', publication_id: null, playable_at: null },
    })
  })

  test('again and again, while the ladder is on its way, is not the end', async () => {
    const { id } = await growVideo(t, 1)
    await inTransaction(trx => giveUp(trx, t.boss, id, 'first'))
    expect((await readVideo(t.db, id)).status).toBe('processing')
  })

  test('again and again leaves it to the ladder; when that has been tried too, it is the end', async () => {
    const { id, job } = await claimFirst()
    await inTransaction(async trx => {
      await giveUp(trx, t.boss, id, 'first')
      await completeJob(trx, t.boss, job)
    })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'crashed' }])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
    const ladder = await takeJob(t.boss, 'ladder')
    await claimVideo(t, id, ladder)
    await inTransaction(async trx => {
      await completeJob(trx, t.boss, ladder)
      await giveUp(trx, t.boss, id, 'ladder')
      await giveUp(trx, t.boss, id, 'first')
    })
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'gave_up' })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })

  test('handed back goes on playing what there is, at the head of the queue', async () => {
    const { id, attempt, job } = await growVideo(t, 2)
    const before = await readVideo(t.db, id)
    await inTransaction(trx => handBack(trx, t.boss, job, attempt))
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
  })
})

describe('somebody', () => {
  test('cancels while it grows: nothing plays, no work is left; a retry begins anew', async () => {
    const { id } = await growVideo(t, 2)
    expect(await inTransaction(trx => cancelVideo(trx, t.boss, id))).toBe('done')
    expect(await readVideo(t.db, id)).toMatchObject({
      ...{ status: 'cancelled', publication_id: null, playable_at: null },
    })
    for (const name of ['first', 'ladder'] as const) expect(await liveJobs(t.boss, name, id)).toEqual([])
    expect(await inTransaction(trx => retryVideo(trx, t.boss, id))).toBe('done')
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
    const job = await takeJob(t.boss, 'first')
    const attempt = await claimVideo(t, id, job, 'first')
    await inTransaction(trx => publishGrowing(trx, t.boss, job, attempt, growthOf(attempt, 1)))
    expect((await readVideo(t.db, id)).publication_id).not.toBeNull()
  })

  test('deletes while it grows: no work is left', async () => {
    const { id } = await growVideo(t, 2)
    expect(await inTransaction(trx => deleteVideo(trx, t.boss, id))).toBe('done')
    for (const name of ['first', 'ladder'] as const) expect(await liveJobs(t.boss, name, id)).toEqual([])
    expect(await findVideo(t.db, id)).toBeNull()
  })
})

describe('files of a superseded publication', () => {
  test('stay for who watches it, and go hours later', async () => {
    const { id, attempt } = await wholeVideo()
    const ladder = await claimLadder(id)
    await inTransaction(trx =>
      publish(trx, t.boss, ladder.job, ladder.attempt, publicationOf(ladder.attempt)),
    )
    expect(await unsweptPublications(t.db)).toEqual([])
    await age(7)
    const [superseded, ...others] = await unsweptPublications(t.db)
    expect(others).toEqual([])
    expect(superseded).toMatchObject({ videoId: id, tokens: [attempt.token] })
    if (superseded) await inTransaction(trx => forgetSuperseded(trx, superseded))
    expect(await unsweptPublications(t.db)).toEqual([])
    expect((await findVideo(t.db, id))?.renditions).toHaveLength(1)
    expect(await t.db.selectFrom('renditions').select('token').execute()).toEqual([
      { token: ladder.attempt.token },
    ])
  })

  test('go without what the present one says that it lacks', async () => {
    const { id } = await wholeVideo()
    const ladder = await claimLadder(id)
    await inTransaction(trx => fail(trx, t.boss, ladder.job, ladder.attempt, bad))
    const lacks = async () => {
      const { publication_id } = await readVideo(t.db, id)
      return (await missingRenditions(t.db, publication_id)).map(({ kind, height }) => [kind, height])
    }
    expect(await lacks()).toEqual([['video', null]])
    await t.boss.send('extra', { videoId: id }, { singletonKey: id })
    const job = await takeJob(t.boss, 'extra')
    const extra = await claimVideo(t, id, job, 'extra')
    const { publication_id } = await readVideo(t.db, id)
    await inTransaction(trx => publishExtra(trx, t.boss, job, extra, extraOf(extra, publication_id)))
    await age(7)
    for (const superseded of await unsweptPublications(t.db))
      await inTransaction(trx => forgetSuperseded(trx, superseded))
    expect(await lacks()).toEqual([['video', null]])
  })

  test('of a dead worker stay as long as they are played from', async () => {
    const dead = await growVideo(t, 2)
    await claimVideo(t, dead.id, undefined, 'first')
    await age(7)
    expect(await unsweptAttempts(t.db)).toEqual([])
    expect(await unsweptPublications(t.db)).toEqual([])
  })
})

async function age(hours: number): Promise<void> {
  const by = sql`${hours} * interval '1 hour'`
  await sql`update publications set superseded_at = superseded_at - ${by}`.execute(t.db)
  await sql`update attempts set ended_at = ended_at - ${by}`.execute(t.db)
}

async function claimFirst(): Promise<Work> {
  const id = await queueUpload(t)
  const job = await takeJob(t.boss, 'first')
  return { id, job, attempt: await claimVideo(t, id, job, 'first') }
}

async function claimLadder(id: string): Promise<Work> {
  const job = await takeJob(t.boss, 'ladder')
  return { id, job, attempt: await claimVideo(t, id, job, 'ladder') }
}

async function wholeVideo(): Promise<Work> {
  const work = await growVideo(t, 1)
  await inTransaction(trx => complete(trx, work))
  return work
}

async function complete(trx: Trx, work: Work): Promise<void> {
  const { publication_id } = await readVideo(t.db, work.id)
  const renditions = growthOf(work.attempt, 4).renditions.map(grown => ({
    ...grown,
    peakBps: 500,
    averageBps: 400,
  }))
  const masterKey = `videos/${work.id}/${work.attempt.token}/master.m3u8`
  const whole = { masterKey, poster: null, durationSeconds: 8, renditions }
  await completeFirst(trx, t.boss, work.job, work.attempt, publication_id ?? '', whole)
}

function listed({ attempt }: Work) {
  return t.db
    .selectFrom('renditions')
    .select(['segments', 'complete', 'target_seconds', 'average_bps', 'bytes'])
    .where('token', '=', attempt.token)
    .executeTakeFirstOrThrow()
}
