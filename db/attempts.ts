// Attempts: who works on a video, and how a try ends (budgets.ts: when trying ends). Every function takes the
// transaction that also moves the job: neither is ever true without the other.
import { sql } from 'kysely'
import { type Boss, complete, failJob, type Job, JobLost, requireOwn } from './boss.ts'
import { lastRetry, spentBudget, type Work } from './budgets.ts'
import type { Db, Trx } from './client.ts'
import { jobs } from './jobs.ts'
import { missingRenditions } from './missing.ts'
import type { AttemptKind, AttemptOutcome, VideoRow, VideoStatus } from './schema.ts'
import { type Failure, GAVE_UP, settle } from './settle.ts'
import { sendWork } from './work.ts'

export interface Attempt {
  token: string
  videoId: string
  kind: Work
}

interface Claim {
  videoId: string
  kind: Work
  recipe: string
  workerId: string
  /** of disk that it may write */
  bytesExpected: number
}

/**
 * Takes the work that a job stands for. An attempt that still runs for it is a dead or frozen
 * worker's: pg-boss has given its job to us, so it is ended as crashed, and its token no longer opens
 * anything.
 * @returns null when there is nothing to do any more (deleted, cancelled, done already)
 * @throws JobLost when this worker slept between fetching the job and here, and another has it now
 */
export async function claim(trx: Trx, boss: Boss, job: Job, given: Claim) {
  const { videoId, kind, recipe, workerId, bytesExpected } = given
  const video = await findWanted(trx, videoId, kind)
  if (!video) return null
  await endRunning(trx, videoId, 'crashed', kind)
  const attempt: Attempt = { token: crypto.randomUUID(), videoId, kind }
  await trx
    .insertInto('attempts')
    .values({
      ...{ token: attempt.token, video_id: videoId, kind, recipe, worker_id: workerId },
      bytes_expected: bytesExpected,
    })
    .execute()
  // Of what plays as it should nobody is told.
  if (video.status !== 'ready') {
    await trx
      .insertInto('events')
      .values({
        video_id: videoId,
        token: attempt.token,
        stage: 'claimed',
        detail: JSON.stringify({ work: kind }),
      })
      .execute()
  }
  // What plays already is the ladder's to tell of.
  if (video.status !== 'ready' && (kind === 'ladder' || video.publication_id === null)) {
    const stage = video.facts === null ? 'probing' : 'encoding'
    await trx
      .updateTable('videos')
      .set({ status: 'processing', stage, progress: 0, progress_at: null })
      .where('id', '=', videoId)
      .execute()
  }
  await requireOwn(trx, boss, job)
  return { attempt, video }
}

/** Locks the video. @returns null when there is nothing to do for this work any more */
export async function findWanted(trx: Trx, videoId: string, kind: Work): Promise<VideoRow | null> {
  const video = await trx
    .selectFrom('videos')
    .selectAll()
    .where('id', '=', videoId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  return video && (await isWanted(trx, kind, video)) ? video : null
}

async function isWanted(trx: Trx, kind: Work, video: VideoRow): Promise<boolean> {
  const { status, url_hls, url_preview, url_storyboard } = video
  if (status === 'ready') {
    if (kind === 'extra') return url_preview === null && url_storyboard === null
    const missing = await missingRenditions(trx, video.publication_id)
    return missing.some(({ height }) => (height === null ? 'ladder' : 'rung') === kind)
  }
  const isUnfinished = status === 'queued' || status === 'processing'
  return isUnfinished && (kind === 'ladder' || (kind === 'first' && url_hls === null))
}

/** Says where the work is. @returns false when the attempt is no longer the one that may say so */
export async function report(
  db: Db,
  { token, videoId }: Attempt,
  { stage, progress }: { stage: string; progress: number },
): Promise<boolean> {
  const updated = await db
    .updateTable('videos')
    .set({ stage, progress, progress_at: sql<Date>`now()` })
    .where('id', '=', videoId)
    .where('status', '=', 'processing')
    .where('deleted_at', 'is', null)
    .where(isRunning(token))
    .returning('id')
    .executeTakeFirst()
  if (updated) return true
  // What is added to a video that is ready has no progress of its own.
  const ready = await db
    .selectFrom('videos')
    .select('id')
    .where('id', '=', videoId)
    .where('status', '=', 'ready')
    .where('deleted_at', 'is', null)
    .where(isRunning(token))
    .executeTakeFirst()
  return ready !== undefined
}

/** Stores what the probe found; nothing decides by it until a publication exists. */
export async function saveFacts(
  db: Db,
  { videoId, token }: Attempt,
  facts: { json: unknown; durationSeconds: number; width: number; height: number; work: number },
): Promise<void> {
  await db
    .updateTable('videos')
    .set({
      facts: JSON.stringify(facts.json),
      duration_ms: Math.max(1, Math.round(facts.durationSeconds * 1000)),
      width: facts.width,
      height: facts.height,
      work: facts.work,
    })
    .where('id', '=', videoId)
    .where(isRunning(token))
    .execute()
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
    await giveUp(trx, attempt.videoId, attempt.kind)
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

/** There is no room for it just now: its job waits, at no cost, and the video says what for. */
export async function postpone(
  trx: Trx,
  boss: Boss,
  job: Job,
  { videoId, kind }: Pick<Attempt, 'videoId' | 'kind'>,
  stage: string,
): Promise<void> {
  // A dead worker's may still run.
  await endRunning(trx, videoId, 'crashed', kind)
  await requeue(trx, { videoId, kind }, stage)
  await complete(trx, boss, job)
  await sendWork(trx, boss, kind, jobs[kind].data.parse(job.data), {
    ...{ priority: 5, startAfter: POSTPONED_SECONDS },
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
export async function giveUp(trx: Trx, videoId: string, kind: Work): Promise<void> {
  await lockVideo(trx, videoId)
  await endRunning(trx, videoId, 'crashed', kind)
  await settle(trx, videoId, kind, GAVE_UP)
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

function isRunning(token: string) {
  return sql<boolean>`exists (select from attempts where token = ${token} and outcome = 'running')`
}

/** The work begins again; a video that plays meanwhile is not queued, only its ladder is. */
async function requeue(
  trx: Trx,
  { kind, videoId }: Pick<Attempt, 'videoId' | 'kind'>,
  stage = 'queued',
): Promise<void> {
  if (kind === 'extra' || kind === 'rung') return
  await trx
    .updateTable('videos')
    .set({
      status: sql<VideoStatus>`case when publication_id is null then 'queued' else status end`,
      stage,
      progress: 0,
    })
    .where('id', '=', videoId)
    .where('status', 'in', ['queued', 'processing'])
    .$if(kind === 'first', query => query.where('publication_id', 'is', null))
    .execute()
}
