// Who may work on a video, how a try ends, when trying ends, and who may stop it.
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  extendVideo,
  liveJobs,
  processVideo,
  publicationOf,
  queueVideo,
  readVideo,
  snapshot,
  startUpload,
  takeJob,
} from '#test/videos.ts'
import { fail, failForNow, giveUp, handBack, passOn } from './attempts.ts'
import { type Job, JobLost } from './boss.ts'
import { spentBudget, type Work } from './budgets.ts'
import { claim } from './claim.ts'
import type { Trx } from './client.ts'
import { markSwept, runningTokens, unsweptAttempts } from './leftovers.ts'
import { report } from './progress.ts'
import { publish } from './publish.ts'
import type { AttemptOutcome, FailureCause } from './schema.ts'
import { cancelVideo, deleteVideo, retryVideo } from './videos.ts'

const world = { cause: 'world', code: 'disk_full', message: 'The disk is full.' } as const
const bad = { cause: 'video', code: 'not_a_video', message: 'This is not a video.' } as const
const encoding = { stage: 'encoding', progress: 0.5 }

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

const noJob = { id: crypto.randomUUID(), name: 'ladder', data: {}, retryCount: 0 } as Job
const inTransaction = <T>(work: (trx: Trx) => Promise<T>) => t.db.transaction().execute(work)

describe('claiming', () => {
  test('says processing and starts an attempt', async () => {
    const id = await queueVideo(t)
    const attempt = await claimVideo(t, id)
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'processing', stage: 'probing', progress: 0 })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ token: attempt.token, outcome: 'running' }])
    expect(await runningTokens(t.db)).toEqual(new Set([attempt.token]))
  })

  test("ends a dead worker's attempt as crashed", async () => {
    const id = await queueVideo(t)
    const dead = await claimVideo(t, id)
    const next = await claimVideo(t, id)
    expect(await attemptsOf(t.db, id)).toMatchObject([
      { token: dead.token, outcome: 'crashed', ended_at: expect.any(Date) },
      { token: next.token, outcome: 'running', ended_at: null },
    ])
  })

  test('by two at once leaves one running', async () => {
    const id = await queueVideo(t)
    const job = await takeJob(t.boss, 'ladder')
    await Promise.all([claimVideo(t, id, job), claimVideo(t, id, job)])
    const outcomes = (await attemptsOf(t.db, id)).map(attempt => attempt.outcome)
    expect(outcomes.sort()).toEqual(['crashed', 'running'])
  })

  test('by a worker that slept while its job went to another changes nothing', async () => {
    const id = await queueVideo(t)
    const stale = await takeJob(t.boss, 'ladder')
    await claimVideo(t, id)
    const before = await snapshot(t.db)
    await expect(claimVideo(t, id, stale)).rejects.toThrow(JobLost)
    expect(await snapshot(t.db)).toEqual(before)
  })

  test.each(['uploading', 'ready', 'failed', 'cancelled', 'deleted'])(
    'takes nothing that is %s',
    async state => {
      const id = await videoThatIs(state)
      const before = await snapshot(t.db)
      const claimed = await inTransaction(trx =>
        claim(trx, t.boss, noJob, {
          videoId: id,
          kind: 'ladder',
          recipe: 'test',
          workerId: crypto.randomUUID(),
          bytesExpected: 0,
        }),
      )
      expect(claimed).toBeNull()
      expect(await snapshot(t.db)).toEqual(before)
    },
  )
})

describe('a stale token', () => {
  test('may still report while it is the one', async () => {
    const { id, attempt } = await processVideo(t)
    expect(await report(t.db, attempt, encoding)).toBe(true)
    expect(await readVideo(t.db, id)).toMatchObject({
      stage: 'encoding',
      progress: 0.5,
      progress_at: expect.any(Date),
    })
  })

  test('changes nothing, whatever it tries', async () => {
    const { id, attempt, job } = await processVideo(t)
    await claimVideo(t, id)
    const before = await snapshot(t.db)
    expect(await report(t.db, attempt, encoding)).toBe(false)
    const attacks: ((trx: Trx) => Promise<unknown>)[] = [
      trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)),
      trx => fail(trx, t.boss, job, attempt, bad),
      trx => failForNow(trx, t.boss, job, attempt, world),
      trx => handBack(trx, t.boss, job, attempt),
    ]
    for (const attack of attacks) {
      await expect(inTransaction(attack)).rejects.toThrow(JobLost)
      expect(await snapshot(t.db)).toEqual(before)
    }
  })

  test('whose job alone was given to another changes nothing either', async () => {
    const { attempt, job } = await processVideo(t)
    await t.boss.fail('ladder', job.id)
    const again = await takeJob(t.boss, 'ladder')
    expect(again.id).toBe(job.id)
    const before = await snapshot(t.db)
    const attacks: ((trx: Trx) => Promise<unknown>)[] = [
      trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)),
      trx => fail(trx, t.boss, job, attempt, bad),
      trx => failForNow(trx, t.boss, job, attempt, world),
      trx => handBack(trx, t.boss, job, attempt),
    ]
    for (const attack of attacks) {
      await expect(inTransaction(attack)).rejects.toThrow(JobLost)
      expect(await snapshot(t.db)).toEqual(before)
    }
  })
})

test('giving up waits for the video before it touches an attempt, as claiming does: no deadlock', async () => {
  const { id } = await processVideo(t)
  const ended = await inTransaction(async holder => {
    await sql`select from videos where id = ${id} for update`.execute(holder)
    const giving = inTransaction(trx => giveUp(trx, t.boss, id, 'ladder'))
    await expect.poll(waiting).toBe(1)
    await sql`select from attempts where video_id = ${id} for update nowait`.execute(holder)
    return { giving }
  })
  await ended.giving
  expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'crashed' }])
})

/** Connections to this test's database that wait for a row. */
async function waiting(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(t.db)
  return Number(rows[0]?.count)
}

describe('a failure', () => {
  test("of the video's is final: it says why, and its job is over", async () => {
    const { id, attempt, job } = await processVideo(t)
    await inTransaction(trx => fail(trx, t.boss, job, attempt, bad))
    expect(await readVideo(t.db, id)).toMatchObject({
      status: 'failed',
      error_code: 'not_a_video',
      error_message: 'This is not a video.',
    })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'failed', cause: 'video' }])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })

  test("of the world's queues the video again, with its job in retry", async () => {
    const { id, attempt, job } = await processVideo(t)
    await inTransaction(trx => report(trx, attempt, encoding))
    expect(await inTransaction(trx => failForNow(trx, t.boss, job, attempt, world))).toBe('retried')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', progress: 0, error_code: null })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['retry'])
    expect(await attemptsOf(t.db, id)).toMatchObject([
      { outcome: 'failed', cause: 'world', error_code: 'disk_full' },
    ])
    expect((await takeJob(t.boss, 'ladder')).id).toBe(job.id)
  })

  test.each([
    { cause: 'world', tries: 20 },
    { cause: 'ours', tries: 3 },
  ] as const)(
    "of $cause's is given up at the $tries. try, with a reason and no live job",
    async ({ cause, tries }) => {
      const { id, attempt, job } = await processVideo(t)
      await addEnded(id, tries - 2, 'failed', cause)
      const failure = { ...world, cause }
      expect(await inTransaction(trx => failForNow(trx, t.boss, job, attempt, failure))).toBe('retried')
      const again = await takeJob(t.boss, 'ladder')
      const last = await claimVideo(t, id, again)
      expect(await inTransaction(trx => failForNow(trx, t.boss, again, last, failure))).toBe('gave up')
      expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'gave_up' })
      expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
    },
  )

  test.each([
    ['crashed', null, 10],
    ['failed', 'world', 20],
    ['failed', 'ours', 3],
  ] as const)('%s (%s) has a budget of its own: %d', async (outcome, cause, budget) => {
    const id = await queueVideo(t)
    const spent = () => inTransaction(trx => spentBudget(trx, id, 'ladder'))
    await addEnded(id, budget - 1, outcome, cause)
    expect(await spent()).toBeNull()
    await addEnded(id, 1, outcome, cause)
    expect(await spent()).toBe(cause ?? 'crashed')
    expect(await inTransaction(trx => spentBudget(trx, id, 'extra'))).toBeNull()
  })

  test('of a worker that was killed counts as soon as its job is given to the next', async () => {
    const { id } = await processVideo(t)
    await addEnded(id, 9, 'crashed', null)
    expect(await inTransaction(trx => spentBudget(trx, id, 'ladder'))).toBe('crashed')
  })

  test.each(['video', 'world', 'ours'] as const)(
    "of an extra leaves a video that plays as it is, also when it is %s's and the last",
    async cause => {
      const { id, attempt, job } = await extendVideo(t)
      const before = await readVideo(t.db, id)
      await addEnded(id, 19, 'failed', cause, 'extra')
      const failure = { ...bad, cause }
      if (cause === 'video') await inTransaction(trx => fail(trx, t.boss, job, attempt, failure))
      else await inTransaction(trx => failForNow(trx, t.boss, job, attempt, failure))
      expect(await readVideo(t.db, id)).toEqual(before)
      expect((await attemptsOf(t.db, id)).find(({ token }) => token === attempt.token)).toMatchObject({
        ...{ outcome: 'failed', cause, error_code: 'not_a_video' },
      })
      expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
    },
  )
})

describe('handing back', () => {
  test('leaves the video queued with one live job at once, ahead of others', async () => {
    const { id, attempt, job } = await processVideo(t)
    await queueVideo(t)
    await inTransaction(trx => handBack(trx, t.boss, job, attempt))
    expect((await readVideo(t.db, id)).status).toBe('queued')
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'handed_back', cause: null }])
    const [next] = await t.boss.fetch<{ videoId: string }>('ladder')
    expect(next?.data.videoId).toBe(id)
  })

  test('an extra leaves the video ready, with one live job at once', async () => {
    const { id, attempt, job } = await extendVideo(t)
    const before = await readVideo(t.db, id)
    await inTransaction(trx => handBack(trx, t.boss, job, attempt))
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await liveJobs(t.boss, 'extra', id)).toEqual(['created'])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })

  test('keeps the request that the job was sent for', async () => {
    const { id, attempt, job } = await processVideo(t)
    const asked = { ...job, data: { videoId: id, requestId: 'r-1' } }
    await inTransaction(trx => handBack(trx, t.boss, asked, attempt))
    expect((await takeJob(t.boss, 'ladder')).data).toEqual({ videoId: id, requestId: 'r-1' })
  })

  test('costs no budget, however often', async () => {
    const id = await queueVideo(t)
    await addEnded(id, 100, 'handed_back', null)
    expect(await inTransaction(trx => spentBudget(trx, id, 'ladder'))).toBeNull()
  })
})

describe('retrying', () => {
  test('a failed video starts a new count', async () => {
    const { id, attempt, job } = await processVideo(t)
    await addEnded(id, 2, 'failed', 'ours')
    await inTransaction(trx => failForNow(trx, t.boss, job, attempt, { ...world, cause: 'ours' }))
    expect((await readVideo(t.db, id)).status).toBe('failed')
    expect(await inTransaction(trx => retryVideo(trx, t.boss, id))).toBe('done')
    expect(await readVideo(t.db, id)).toMatchObject({
      status: 'queued',
      error_code: null,
      error_message: null,
    })
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
    expect(await inTransaction(trx => spentBudget(trx, id, 'ladder'))).toBeNull()
    await claimVideo(t, id, undefined, 'first')
  })

  test('twice, also at once, makes one job', async () => {
    const id = await videoThatIs('failed')
    const retry = () => inTransaction(trx => retryVideo(trx, t.boss, id))
    expect(await Promise.all([retry(), retry()])).toEqual(['done', 'done'])
    expect(await retry()).toBe('done')
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
  })

  test.each([
    ['ready', 'conflict'],
    ['uploading', 'conflict'],
    ['deleted', 'not found'],
  ])('a video that is %s is a %s', async (state, outcome) => {
    const id = await videoThatIs(state)
    expect(await inTransaction(trx => retryVideo(trx, t.boss, id))).toBe(outcome)
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })

  test('an upload that was cancelled before its end is a conflict', async () => {
    const id = await startUpload(t.db)
    await inTransaction(trx => cancelVideo(trx, t.boss, id))
    expect(await inTransaction(trx => retryVideo(trx, t.boss, id))).toBe('conflict')
  })
})

describe('cancelling', () => {
  test.each(['queued', 'processing'])('a video that is %s ends its job and its attempt', async state => {
    const id = await videoThatIs(state)
    expect(await inTransaction(trx => cancelVideo(trx, t.boss, id))).toBe('done')
    expect((await readVideo(t.db, id)).status).toBe('cancelled')
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
    expect(await runningTokens(t.db)).toEqual(new Set())
    expect(await inTransaction(trx => cancelVideo(trx, t.boss, id))).toBe('done')
  })

  test.each([
    ['ready', 'conflict'],
    ['failed', 'conflict'],
    ['deleted', 'not found'],
  ])('a video that is %s is a %s', async (state, outcome) => {
    const id = await videoThatIs(state)
    expect(await inTransaction(trx => cancelVideo(trx, t.boss, id))).toBe(outcome)
  })

  test('and retrying while the old worker still runs: only the new one counts', async () => {
    const { id, attempt, job } = await processVideo(t)
    await inTransaction(trx => cancelVideo(trx, t.boss, id))
    await inTransaction(trx => retryVideo(trx, t.boss, id))
    expect(await report(t.db, attempt, encoding)).toBe(false)
    const late = inTransaction(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
    await expect(late).rejects.toThrow(JobLost)
    const first = await takeJob(t.boss, 'first')
    const again = await claimVideo(t, id, first, 'first')
    await inTransaction(trx => passOn(trx, t.boss, first, again, { ...world, cause: 'ours' }))
    const next = await takeJob(t.boss, 'ladder')
    const winner = await claimVideo(t, id, next)
    await inTransaction(trx => publish(trx, t.boss, next, winner, publicationOf(winner)))
    expect((await readVideo(t.db, id)).status).toBe('ready')
    const outcomes = (await attemptsOf(t.db, id)).map(({ outcome }) => outcome)
    expect(outcomes).toEqual(['cancelled', 'failed', 'won'])
  })
})

describe('deleting', () => {
  test('while it is processed fences the publish, and sends its removal', async () => {
    const { id, attempt, job } = await processVideo(t)
    expect(await inTransaction(trx => deleteVideo(trx, t.boss, id))).toBe('done')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'cancelled', deleted_at: expect.any(Date) })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
    expect(await liveJobs(t.boss, 'purge', id)).toEqual(['created'])
    expect(await report(t.db, attempt, encoding)).toBe(false)
    const before = await snapshot(t.db)
    const late = inTransaction(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
    await expect(late).rejects.toThrow(JobLost)
    expect(await snapshot(t.db)).toEqual(before)
  })

  test('at the moment of the publish ends in one of the two, never in a deadlock', async () => {
    for (let round = 0; round < 15; round++) {
      const { id, attempt, job } = await processVideo(t)
      const [published, deleted] = await Promise.allSettled([
        inTransaction(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt))),
        inTransaction(trx => deleteVideo(trx, t.boss, id)),
      ])
      expect(deleted).toEqual({ status: 'fulfilled', value: 'done' })
      if (published.status === 'rejected') expect(published.reason).toBeInstanceOf(JobLost)
      expect((await readVideo(t.db, id)).deleted_at).not.toBeNull()
      expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
    }
  })

  test('twice is not found', async () => {
    const id = await videoThatIs('ready')
    expect(await inTransaction(trx => deleteVideo(trx, t.boss, id))).toBe('done')
    expect(await inTransaction(trx => deleteVideo(trx, t.boss, id))).toBe('not found')
  })
})

test('files that a publication names are never swept, whatever their attempt’s row says', async () => {
  const id = await videoThatIs('ready')
  await sql`update attempts set outcome = 'crashed', ended_at = now() - interval '2 minutes'`.execute(t.db)
  expect(
    await t.db.selectFrom('renditions').select('token').where('video_id', '=', id).execute(),
  ).toHaveLength(1)
  expect(await unsweptAttempts(t.db)).toEqual([])
})

test('what attempts left is swept a minute after they ended, once; never of one that runs or won', async () => {
  const id = await videoThatIs('ready')
  await addEnded(id, 1, 'crashed', null)
  expect(await unsweptAttempts(t.db)).toEqual([])
  await sql`update attempts set ended_at = ended_at - interval '2 minutes' where ended_at is not null`.execute(
    t.db,
  )
  const [crashed] = (await attemptsOf(t.db, id)).filter(attempt => attempt.outcome === 'crashed')
  expect(await unsweptAttempts(t.db)).toEqual([{ token: crashed?.token, videoId: id }])
  await markSwept(t.db, crashed?.token ?? '')
  expect(await unsweptAttempts(t.db)).toEqual([])
})

test('a job that pg-boss gives up on reaches the dead queue with its video', async () => {
  const id = await startUpload(t.db)
  await t.boss.send('ladder', { videoId: id }, { retryLimit: 0, singletonKey: id })
  const job = await takeJob(t.boss, 'ladder')
  await t.boss.fail('ladder', job.id)
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  expect((await takeJob(t.boss, 'dead')).data).toEqual({ videoId: id })
})

async function videoThatIs(state: string): Promise<string> {
  if (state === 'uploading') return startUpload(t.db)
  if (state === 'queued') return queueVideo(t)
  const { id, attempt, job } = await processVideo(t)
  if (state === 'failed') await inTransaction(trx => fail(trx, t.boss, job, attempt, bad))
  if (state === 'cancelled') await inTransaction(trx => cancelVideo(trx, t.boss, id))
  if (state === 'deleted') await inTransaction(trx => deleteVideo(trx, t.boss, id))
  if (state === 'ready') {
    await inTransaction(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  }
  return id
}

async function addEnded(
  videoId: string,
  count: number,
  outcome: AttemptOutcome,
  cause: FailureCause | null,
  kind: Work = 'ladder',
): Promise<void> {
  if (count === 0) return
  const attempt = {
    video_id: videoId,
    kind,
    recipe: 'test',
    worker_id: videoId,
    outcome,
    cause,
  }
  await t.db
    .insertInto('attempts')
    .values(
      Array.from({ length: count }, () => ({
        ...attempt,
        token: crypto.randomUUID(),
        ended_at: sql<Date>`now()`,
      })),
    )
    .execute()
}
