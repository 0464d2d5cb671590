// Attempts: who works on a video, and how a try ends (claim.ts: how it begins, budgets.ts: when trying ends).
// Every function takes the transaction that also moves the job: neither is ever true without the other.
import { sql } from 'kysely'
import { type Boss, complete, failJob, type Job, JobLost } from './boss.ts'
import { isBeside, lastRetry, spentBudget, type Work } from './budgets.ts'
import type { Db, Trx } from './client.ts'
import { hasJob } from './heal.ts'
import { jobs } from './jobs.ts'
import type { AttemptKind, AttemptOutcome, VideoStatus } from './schema.ts'
import { type Failure, GAVE_UP, settle } from './settle.ts'
import { sendWork } from './work.ts'

export interface Attempt {
  token: string
  videoId: string
  kind: Work
}

/** The attempt failed for good, the job is over, and with it the video unless it plays: see `settle`. */
export async function fail(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  failure: Failure,
): Promise<void> {
  await end(trx, attempt, 'failed', failure)
  await complete(trx, boss, job)
  await settle(trx, attempt.videoId, attempt.kind, failure)
}

/**
 * The first rung failed where another try would fail as well: the ladder is made all the same, and
 * judges the source.
 */
export async function passOn(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  failure: Failure,
): Promise<void> {
  await end(trx, attempt, 'failed', failure)
  await complete(trx, boss, job)
  await sendWork(trx, boss, 'ladder', jobs.first.data.parse(job.data))
}

/** The attempt failed, the next may succeed: back to the queue, pg-boss waits a little longer each time. */
export async function failForNow(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  failure: Failure,
): Promise<'retried' | 'gave up'> {
  await end(trx, attempt, 'failed', failure)
  if (await spentBudget(trx, attempt.videoId, attempt.kind)) {
    await giveUp(trx, boss, attempt.videoId, attempt.kind)
    await complete(trx, boss, job)
    return 'gave up'
  }
  await requeue(trx, attempt)
  await failJob(trx, boss, job, failure.message)
  return 'retried'
}

/** SIGTERM: the job goes back at once, ahead of the queue, and costs no try. */
export async function handBack(trx: Trx, boss: Boss, job: Job, attempt: Attempt): Promise<void> {
  await end(trx, attempt, 'handed_back')
  await requeue(trx, attempt)
  await complete(trx, boss, job)
  await sendAgain(trx, boss, job, attempt, { priority: 10 })
}

// Long enough that waiting costs nothing, short enough that nobody minds.
const POSTPONED_SECONDS = 15
// A video that waits for a day leaves 5760 jobs.
const FORGOTTEN_SECONDS = 600

/** There is no room for it just now: its job waits, at no cost, and the video says what for. */
export async function postpone(
  trx: Trx,
  boss: Boss,
  job: Job,
  { videoId, kind }: Pick<Attempt, 'videoId' | 'kind'>,
  stage: string,
): Promise<void> {
  await requeue(trx, { videoId, kind }, stage)
  await complete(trx, boss, job)
  await sendWork(trx, boss, kind, jobs[kind].data.parse(job.data), {
    ...{ priority: 5, startAfter: POSTPONED_SECONDS, deleteAfterSeconds: FORGOTTEN_SECONDS },
  })
}

/**
 * Ends the attempt as the winner.
 * @param leftOut why not everything is there that could be
 * @throws JobLost when it is no longer running
 */
export async function win(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  leftOut?: Failure | null,
): Promise<void> {
  await end(trx, attempt, 'won', leftOut)
  await complete(trx, boss, job)
}

/** What the attempt worked from is no longer the current: its files are void, the work begins again. */
export async function loseAndRepeat(trx: Trx, boss: Boss, job: Job, attempt: Attempt): Promise<void> {
  await end(trx, attempt, 'lost')
  await complete(trx, boss, job)
  await sendAgain(trx, boss, job, attempt)
}

/** Whether an earlier try at this work failed with one of these codes, since a person last asked for it. */
export async function diedBefore(
  db: Db,
  { videoId, kind }: Attempt,
  codes: readonly string[],
): Promise<boolean> {
  const died = await db
    .selectFrom('attempts')
    .select('token')
    .where('video_id', '=', videoId)
    .where('kind', '=', kind)
    .where('outcome', '=', 'failed')
    .where('error_code', 'in', codes)
    .where('started_at', '>', lastRetry())
    .limit(1)
    .executeTakeFirst()
  return died !== undefined
}

/** No more tries; also ends what a killed worker left running, or its files and scratch would stay. */
export async function giveUp(trx: Trx, boss: Boss, videoId: string, kind: Work): Promise<void> {
  await lockVideo(trx, videoId)
  await endRunning(trx, videoId, 'crashed', kind)
  // A ladder knows how to leave out what FFmpeg dies of.
  if (kind === 'first' && (await isLadderUntried(trx, videoId))) {
    return sendWork(trx, boss, 'ladder', { videoId })
  }
  await settle(trx, videoId, kind, GAVE_UP)
}

async function isLadderUntried(trx: Trx, videoId: string): Promise<boolean> {
  const video = await trx
    .selectFrom('videos')
    .select('id')
    .where('id', '=', videoId)
    .where('status', 'in', ['queued', 'processing'])
    .where('deleted_at', 'is', null)
    .where(
      sql<boolean>`not exists (
        select from attempts where video_id = ${videoId} and kind = 'ladder' and started_at > ${lastRetry()})`,
    )
    .executeTakeFirst()
  return video !== undefined && !(await hasJob(trx, 'ladder', videoId))
}

/** Ends whatever runs for a video, so that its token opens nothing any more. */
export async function endRunning(
  trx: Trx,
  videoId: string,
  outcome: Exclude<AttemptOutcome, 'running' | 'won'>,
  kind?: AttemptKind,
): Promise<void> {
  let query = trx
    .updateTable('attempts')
    .set({ outcome, ended_at: sql<Date>`now()` })
    .where('video_id', '=', videoId)
    .where('outcome', '=', 'running')
  if (kind) query = query.where('kind', '=', kind)
  await query.execute()
}

async function end(
  trx: Trx,
  attempt: Attempt,
  outcome: Exclude<AttemptOutcome, 'running'>,
  failure?: Failure | null,
): Promise<void> {
  await lockVideo(trx, attempt.videoId)
  const ended = await trx
    .updateTable('attempts')
    .set({
      outcome,
      ended_at: sql<Date>`now()`,
      cause: failure?.cause ?? null,
      error_code: failure?.code ?? null,
      error_message: failure?.message ?? null,
    })
    .where('token', '=', attempt.token)
    .where('outcome', '=', 'running')
    .returning('token')
    .executeTakeFirst()
  if (!ended) throw new JobLost({ id: attempt.token, name: attempt.kind })
}

/** Before its attempts, as claim and delete take them: the other way round is a deadlock. */
async function lockVideo(trx: Trx, videoId: string): Promise<void> {
  await trx.selectFrom('videos').select('id').where('id', '=', videoId).forUpdate().execute()
}

/** The same work as a new job, which the same request caused. */
async function sendAgain(
  trx: Trx,
  boss: Boss,
  job: Job,
  { kind }: Attempt,
  options?: { priority?: number },
): Promise<void> {
  await sendWork(trx, boss, kind, jobs[kind].data.parse(job.data), options)
}

/** The work begins again; a video that plays meanwhile is not queued, only its ladder is. */
async function requeue(
  trx: Trx,
  { kind, videoId }: Pick<Attempt, 'videoId' | 'kind'>,
  stage = 'queued',
): Promise<void> {
  if (isBeside(kind)) return
  await trx
    .updateTable('videos')
    .set({
      status: sql<VideoStatus>`case when publication_id is null then 'queued' else status end`,
      stage,
      progress: 0,
    })
    .where('id', '=', videoId)
    .where('status', 'in', ['queued', 'processing'])
    // Who waits again has nothing new to tell.
    .where('stage', 'is distinct from', stage)
    .$if(kind === 'first', query => query.where('publication_id', 'is', null))
    .execute()
}
