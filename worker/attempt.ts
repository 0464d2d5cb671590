// What every kind of work on a video has in common: claim, a scratch folder, files before the
// transaction that names them, and an end that says who is to blame. Must not know what is made.

import type { Config } from '#config'
import {
  type Attempt,
  diedBefore,
  fail,
  failForNow,
  giveUp,
  handBack,
  passOn,
  postpone,
} from '#db/attempts.ts'
import { complete, type Job, JobLost } from '#db/boss.ts'
import { spentBudget, type Work } from '#db/budgets.ts'
import { claim, findWanted } from '#db/claim.ts'
import type { Trx } from '#db/client.ts'
import type { VideoRow } from '#db/schema.ts'
import { attemptPrefix } from '#media/keys.ts'
import type { WorkerContext } from './context.ts'
import { sortFailure } from './errors.ts'
import { DEATHS, FfmpegDied } from './ffmpeg/run.ts'
import { findLack, holdMemory, type Needs, scratchBytesOf } from './room.ts'
import { sweepScratch, withScratch } from './scratch.ts'
import { isLargerThan, tooMuch } from './scratch-limit.ts'

export type AttemptContext = WorkerContext & {
  attempt: Attempt
  job: Job
  /** fires for every reason to stop: this worker's end, the job taken away, the attempt void */
  signal: AbortSignal
  /** the attempt is not the one that counts any more */
  lose: () => void
  /** the attempt's own folder, removed in the end */
  scratch: string
  /** what it may take of the disk before its FFmpeg is ended */
  scratchBytes: number
}

interface Task {
  kind: Work
  videoId: string
  recipe: string
  /** what it takes of the machine */
  needs: (video: VideoRow, config: Config) => Needs
  /** makes the files and publishes them */
  make: (context: AttemptContext, video: VideoRow) => Promise<void>
}

/** One try: ends won, failed, handed back or lost, and never without a word in its row. */
export async function runAttempt(context: WorkerContext, job: Job, task: Task): Promise<void> {
  const claimed = await claimTask(context, job, task)
  // Perhaps what it waits for is what a dead worker left.
  if (!claimed) return tidyScratch(context)
  const { attempt, video, needs } = claimed
  const giveBack = holdMemory(needs)
  const { kind, videoId } = attempt
  const log = context.log.child({ videoId, work: kind, token: attempt.token, job: job.id })
  const started = performance.now()
  log.info('attempt started')
  const lost = new AbortController()
  const signal = AbortSignal.any([context.stopping, job.signal, lost.signal])
  const lose = () => lost.abort(new JobLost(job))
  const own = { ...context, log, attempt, job, signal, lose, scratchBytes: scratchBytesOf(needs) }
  try {
    await withScratch(context.scratchRoot, attempt.token, scratch => task.make({ ...own, scratch }, video))
    log.info({ ms: Math.round(performance.now() - started) }, 'attempt ended')
  } catch (error) {
    await endFailed(own, error)
  } finally {
    giveBack()
    await tidyScratch(context)
  }
}

async function tidyScratch({ db, scratchRoot, log }: WorkerContext): Promise<void> {
  await sweepScratch(db, scratchRoot).catch(err => log.warn({ err }, 'scratch not swept'))
}

/**
 * Puts a finished folder into the storage, then runs the transaction that names its files; removes
 * them when that one says no, by returning false or as JobLost.
 */
export async function store(
  { db, storage, attempt: { videoId, token }, scratchBytes }: AttemptContext,
  folder: string,
  name: (trx: Trx) => Promise<unknown>,
): Promise<void> {
  const prefix = attemptPrefix(videoId, token)
  // FFmpeg may have ended before anybody looked again.
  if (await isLargerThan(folder, scratchBytes)) throw tooMuch(scratchBytes)
  await storage.putTree(folder, prefix)
  try {
    if ((await db.transaction().execute(name)) === false) await storage.remove(prefix)
  } catch (error) {
    // A lost connection may have hidden a commit: the sweep knows from the attempt's row, we do not.
    if (error instanceof JobLost) await storage.remove(prefix)
    throw error
  }
}

/** @returns null when there is nothing to do, no try is left, or no room: then this job is over */
function claimTask(context: WorkerContext, job: Job, task: Task) {
  const { db, boss, log, config, workerId } = context
  const { kind, videoId, recipe } = task
  return db.transaction().execute(async trx => {
    const spent = await spentBudget(trx, videoId, kind)
    if (spent) {
      await giveUp(trx, boss, videoId, kind)
      log.error({ videoId, work: kind, spent }, 'work given up')
      await complete(trx, boss, job)
      return null
    }
    const video = await findWanted(trx, videoId, kind)
    const needs = video && task.needs(video, config)
    const lack = needs && (await findLack(context, trx, needs))
    if (lack) {
      await postpone(trx, boss, job, task, lack)
      log.warn({ videoId, work: kind, lack, ...needs }, 'work waits for room')
      return null
    }
    const claimed =
      needs &&
      (await claim(trx, boss, job, { videoId, kind, recipe, workerId, bytesExpected: needs.diskBytes }))
    if (claimed) return { ...claimed, needs }
    await complete(trx, boss, job)
    return null
  })
}

async function endFailed(context: Omit<AttemptContext, 'scratch'>, error: unknown): Promise<void> {
  const { db, boss, job, attempt, log, stopping, signal } = context
  if (error instanceof JobLost || (signal.aborted && !stopping.aborted)) {
    log.info('attempt lost: its work was cancelled, deleted or given to another worker')
    // Thrown: should the job still be ours, against all expectation, pg-boss must retry it, not
    // complete it.
    throw error instanceof JobLost ? error : new JobLost(job)
  }
  await db.transaction().execute(async trx => {
    if (stopping.aborted) {
      await handBack(trx, boss, job, attempt)
      log.info('attempt handed back')
      return
    }
    const failure = sortFailure(error)
    if (failure.cause === 'video') {
      await fail(trx, boss, job, attempt, failure)
      log.info({ code: failure.code }, 'attempt failed for good')
    } else if (
      attempt.kind === 'first' &&
      (failure.cause === 'ours' || (await diesAgain(trx, attempt, error)))
    ) {
      await passOn(trx, boss, job, attempt, failure)
      log.warn({ err: error, code: failure.code }, 'first rung failed, the ladder is made without it')
    } else {
      const outcome = await failForNow(trx, boss, job, attempt, failure)
      log.error({ err: error, code: failure.code, cause: failure.cause, outcome }, 'attempt failed')
    }
  })
}

/** FFmpeg died, and not for the first time. */
async function diesAgain(trx: Trx, attempt: Attempt, error: unknown): Promise<boolean> {
  return error instanceof FfmpegDied && (await diedBefore(trx, attempt, DEATHS))
}
