// Attempts: who works on a video, how a try ends, and when trying ends. Every function takes the
// transaction that also moves the job: neither is ever true without the other.
import { sql } from 'kysely'
import { type Boss, complete, failJob, type Job, JobLost, requireOwn, send } from './boss.ts'
import type { Db, Trx } from './client.ts'
import type { AttemptKind, AttemptOutcome, FailureCause, VideoRow } from './schema.ts'

/** How many tries of one kind a video has, by who is to blame; a clean hand-back costs none. */
const BUDGETS = { crashed: 10, world: 20, ours: 3 }

export interface Attempt {
  token: string
  videoId: string
  kind: AttemptKind
}

interface Claim {
  videoId: string
  kind: AttemptKind
  recipe: string
  workerId: string
}

/**
 * Takes the work that a job stands for. An attempt that still runs for it is a dead or frozen
 * worker's: pg-boss has given its job to us, so it is ended as crashed, and its token no longer opens
 * anything.
 * @returns null when there is nothing to do any more (deleted, cancelled, already ready)
 * @throws JobLost when this worker slept between fetching the job and here, and another has it now
 */
export async function claim(trx: Trx, boss: Boss, job: Job, { videoId, kind, recipe, workerId }: Claim) {
  const video = await trx
    .selectFrom('videos')
    .selectAll()
    .where('id', '=', videoId)
    .where('deleted_at', 'is', null)
    .where('status', 'in', ['queued', 'processing'])
    .forUpdate()
    .executeTakeFirst()
  if (!video) return null
  await endRunning(trx, videoId, 'crashed', kind)
  const attempt: Attempt = { token: crypto.randomUUID(), videoId, kind }
  await trx
    .insertInto('attempts')
    .values({ token: attempt.token, video_id: videoId, kind, recipe, worker_id: workerId })
    .execute()
  await trx
    .updateTable('videos')
    .set({ status: 'processing', stage: 'probing', progress: 0, eta_seconds: null })
    .where('id', '=', videoId)
    .execute()
  await requireOwn(trx, boss, job)
  return { attempt, video }
}

/** How often this kind of work crashed or failed on the video, to see whether a budget is used up. */
export async function spentBudget(trx: Trx, videoId: string, kind: AttemptKind): Promise<string | null> {
  const spent = await trx
    .selectFrom('attempts')
    .select([
      // One that still runs when its job is given out again is a dead worker's.
      sql<number>`count(*) filter (where outcome in ('crashed', 'running'))::int`.as('crashed'),
      sql<number>`count(*) filter (where outcome = 'failed' and cause = 'world')::int`.as('world'),
      sql<number>`count(*) filter (where outcome = 'failed' and cause = 'ours')::int`.as('ours'),
    ])
    .where('video_id', '=', videoId)
    .where('kind', '=', kind)
    // A retry asked for by a person starts a new count.
    .where(
      'started_at',
      '>',
      sql<Date>`coalesce((select max(at) from events
      where events.video_id = attempts.video_id and detail ->> 'retry' = 'true'), '-infinity')`,
    )
    .executeTakeFirstOrThrow()
  for (const cause of ['crashed', 'world', 'ours'] as const) {
    if (spent[cause] >= BUDGETS[cause]) return cause
  }
  return null
}

/** Says where the work is. @returns false when the attempt is no longer the one that may say so */
export async function report(
  db: Db,
  { token, videoId }: Attempt,
  state: { stage: string; progress: number; etaSeconds: number | null },
): Promise<boolean> {
  const updated = await db
    .updateTable('videos')
    .set({ stage: state.stage, progress: state.progress, eta_seconds: state.etaSeconds })
    .where('id', '=', videoId)
    .where('status', '=', 'processing')
    .where('deleted_at', 'is', null)
    .where(isRunning(token))
    .returning('id')
    .executeTakeFirst()
  return updated !== undefined
}

/** Stores what the probe found; nothing decides by it until a publication exists. */
export async function saveFacts(
  db: Db,
  { videoId, token }: Attempt,
  facts: { json: unknown; durationSeconds: number; width: number; height: number },
): Promise<void> {
  await db
    .updateTable('videos')
    .set({
      facts: JSON.stringify(facts.json),
      duration_ms: Math.max(1, Math.round(facts.durationSeconds * 1000)),
      width: facts.width,
      height: facts.height,
    })
    .where('id', '=', videoId)
    .where(isRunning(token))
    .execute()
}

interface Failure {
  cause: FailureCause
  code: string
  message: string
}

/**
 * The attempt failed for good: the video says why, the job is over. A video that already plays keeps
 * playing.
 */
export async function fail(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  failure: Failure,
): Promise<void> {
  await end(trx, attempt, 'failed', failure)
  await failVideo(trx, attempt.videoId, failure)
  await complete(trx, boss, job)
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
    await failVideo(trx, attempt.videoId, GAVE_UP)
    await complete(trx, boss, job)
    return 'gave up'
  }
  await requeue(trx, attempt.videoId)
  await failJob(trx, boss, job, failure.message)
  return 'retried'
}

/** SIGTERM: the job goes back at once, ahead of the queue, and costs no try. */
export async function handBack(trx: Trx, boss: Boss, job: Job, attempt: Attempt): Promise<void> {
  await end(trx, attempt, 'handed_back')
  await requeue(trx, attempt.videoId)
  await complete(trx, boss, job)
  await send(trx, boss, 'ladder', { videoId: attempt.videoId }, { priority: 10 })
}

/** Ends the attempt as the winner. @throws JobLost when it is no longer running */
export async function win(trx: Trx, boss: Boss, job: Job, attempt: Attempt): Promise<void> {
  await end(trx, attempt, 'won')
  await complete(trx, boss, job)
}

/** Attempts that ended without winning: whatever stands under their tokens is rubbish. */
export async function unsweptAttempts(db: Db): Promise<{ token: string; videoId: string }[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['token', 'video_id'])
    .where('swept_at', 'is', null)
    .where('outcome', 'not in', ['running', 'won'])
    // A frozen worker that wakes has this long to notice that its token is void.
    .where('ended_at', '<', sql<Date>`now() - interval '1 minute'`)
    .orderBy('ended_at')
    .limit(500)
    .execute()
  return rows.map(row => ({ token: row.token, videoId: row.video_id }))
}

export async function markSwept(db: Db, token: string): Promise<void> {
  await db.updateTable('attempts').set({ swept_at: sql<Date>`now()` }).where('token', '=', token).execute()
}

export async function runningTokens(db: Db): Promise<Set<string>> {
  const rows = await db.selectFrom('attempts').select('token').where('outcome', '=', 'running').execute()
  return new Set(rows.map(row => row.token))
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

/** What a video says when we stopped trying. */
export const GAVE_UP: Failure = {
  cause: 'ours',
  code: 'gave_up',
  message:
    'Processing failed again and again, so it was given up. Your upload is kept: retry it, or tell the operator.',
}

/** A video that plays already is not taken away by a failure of later work. */
export async function failVideo(trx: Trx, videoId: string, { code, message }: Failure): Promise<void> {
  await trx
    .updateTable('videos')
    .set({ status: 'failed', stage: 'failed', error_code: code, error_message: message, eta_seconds: null })
    .where('id', '=', videoId)
    .where('status', 'in', ['uploading', 'queued', 'processing'] satisfies VideoRow['status'][])
    .where('publication_id', 'is', null)
    .execute()
}

async function end(
  trx: Trx,
  attempt: Attempt,
  outcome: Exclude<AttemptOutcome, 'running'>,
  failure?: Failure,
): Promise<void> {
  // The video before the attempt, as claim and delete take them: the other way round is a deadlock.
  await trx.selectFrom('videos').select('id').where('id', '=', attempt.videoId).forUpdate().execute()
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

function isRunning(token: string) {
  return sql<boolean>`exists (select from attempts where token = ${token} and outcome = 'running')`
}

async function requeue(trx: Trx, videoId: string): Promise<void> {
  await trx
    .updateTable('videos')
    .set({ status: 'queued', stage: 'queued', progress: 0, eta_seconds: null })
    .where('id', '=', videoId)
    .where('status', '=', 'processing')
    .execute()
}
