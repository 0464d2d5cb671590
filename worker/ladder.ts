// The ladder: source → every rendition → one publication, and the video is `ready`.
// The order that must not change: encode in scratch, verify, put the files into the storage, and
// only then the transaction that names them.
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import {
  type Attempt,
  claim,
  endRunning,
  fail,
  failForNow,
  failVideo,
  GAVE_UP,
  handBack,
  report,
  saveFacts,
  spentBudget,
} from '#db/attempts.ts'
import { complete, type Job, JobLost } from '#db/boss.ts'
import { publish } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { attemptPrefix } from '#media/keys.ts'
import type { Handler, WorkerContext } from './context.ts'
import { sortFailure, VideoError, WorldError } from './errors.ts'
import { decodeCommand, ladderCommand } from './ffmpeg/args.ts'
import { type Plan, planLadder, RECIPE } from './ffmpeg/plan.ts'
import { probe } from './ffmpeg/probe.ts'
import { FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { type MeasuredStream, measureLadder, Unplayable } from './ffmpeg/verify.ts'
import { writePublication } from './publication.ts'
import { sweepScratch, withScratch } from './scratch.ts'

export const ladder: Handler<'ladder'> = async (context, { videoId }, job) => {
  const claimed = await context.db.transaction().execute(async trx => {
    const spent = await spentBudget(trx, videoId, 'ladder')
    if (spent) {
      await failVideo(trx, videoId, GAVE_UP)
      // Else a killed worker's last attempt would run for ever, and its files and scratch stay.
      await endRunning(trx, videoId, 'crashed', 'ladder')
      context.log.error({ videoId, spent }, 'video given up')
      return null
    }
    return claim(trx, context.boss, job, {
      videoId,
      kind: 'ladder',
      recipe: RECIPE,
      workerId: context.workerId,
    })
  })
  if (!claimed) {
    await context.db.transaction().execute(trx => complete(trx, context.boss, job))
    return
  }
  const { attempt, video } = claimed
  const log = context.log.child({ videoId, token: attempt.token, job: job.id })
  const started = performance.now()
  log.info('attempt started')
  // One signal for every reason to stop: this worker's end, the job taken away, the attempt void.
  const lost = new AbortController()
  const signal = AbortSignal.any([context.stopping, job.signal, lost.signal])
  const attemptContext = { ...context, log, attempt, job, signal, lose: () => lost.abort(new JobLost(job)) }
  try {
    await withScratch(context.scratchRoot, attempt.token, scratch =>
      makeAndPublish(attemptContext, video, scratch),
    )
    log.info({ ms: Math.round(performance.now() - started) }, 'video published')
  } catch (error) {
    await endFailed(attemptContext, error)
  } finally {
    await sweepScratch(context.db, context.scratchRoot).catch(err => log.warn({ err }, 'scratch not swept'))
  }
}

type AttemptContext = WorkerContext & { attempt: Attempt; job: Job; signal: AbortSignal; lose: () => void }

async function makeAndPublish(context: AttemptContext, video: VideoRow, scratch: string): Promise<void> {
  const { db, boss, storage, config, attempt, job } = context
  if (!(await storage.stat(video.source_key))) {
    throw new WorldError('source_missing', 'The uploaded file is not in the storage.')
  }
  const source = storage.localPath(video.source_key)
  const facts = await probe(source, context.signal)
  context.signal.throwIfAborted()
  const plan = planLadder(facts, config)
  if (plan.durationSeconds !== null) {
    const { width, height } = facts.video
    await saveFacts(db, attempt, { json: facts, durationSeconds: plan.durationSeconds, width, height })
  }
  const streams = await encode(context, source, scratch, plan)
  await tell(context, 'publishing', 1, null)
  const publication = await writePublication({ ...context, scratch, plan, streams })
  const prefix = attemptPrefix(attempt.videoId, attempt.token)
  await storage.putTree(scratch, prefix)
  try {
    await db.transaction().execute(trx => publish(trx, boss, job, attempt, publication))
  } catch (error) {
    // A lost connection may have hidden a commit: the sweep knows from the attempt's row, we do not.
    if (error instanceof JobLost) await storage.remove(prefix)
    throw error
  }
}

/** Encodes the ladder and measures it; says whose fault it is when that fails. */
async function encode(context: AttemptContext, source: string, scratch: string, plan: Plan) {
  for (const name of [...plan.rungs.map(rung => rung.name), 'audio']) await mkdir(path.join(scratch, name))
  const started = performance.now()
  await tell(context, 'encoding', 0, null)
  const expected = plan.durationSeconds
  try {
    await runFfmpeg(ladderCommand(source, scratch, plan), {
      signal: context.signal,
      log: context.log,
      onProgress: seconds => {
        if (!expected) return
        const progress = Math.min(0.99, seconds / expected)
        const elapsed = (performance.now() - started) / 1000
        const etaSeconds = progress > 0.02 ? Math.round((elapsed / progress) * (1 - progress)) : null
        // Fire and forget: a progress report that fails is followed by another.
        tell(context, 'encoding', progress, etaSeconds).catch(error =>
          context.log.warn({ err: error }, 'progress lost'),
        )
      },
    })
    await tell(context, 'verifying', 0.99, null)
    const streams = await measureLadder(scratch, plan, context.signal)
    requireWhole(streams.video, expected)
    return streams
  } catch (error) {
    if (error instanceof FfmpegFailed || error instanceof Unplayable)
      await blameSource(context, source, scratch, plan, error)
    throw error
  }
}

// A container may round, or count a last frame that cannot be decoded; a cut file misses far more.
const MISSING_SECONDS = 0.5
const MISSING_SHARE = 0.05

function requireWhole([top]: MeasuredStream[], expectedSeconds: number | null): void {
  if (!top || expectedSeconds === null) return
  const missing = expectedSeconds - top.durationSeconds
  if (missing > Math.max(MISSING_SECONDS, expectedSeconds * MISSING_SHARE)) {
    throw new VideoError(
      'truncated',
      `The file is incomplete: it ends after ${top.durationSeconds.toFixed(1)} of ${expectedSeconds.toFixed(1)} seconds. Upload the whole file.`,
    )
  }
}

/** FFmpeg gave up: if a bare decode gives up as well, it is the file's fault and no retry helps. */
async function blameSource(
  { signal, log }: AttemptContext,
  source: string,
  scratch: string,
  plan: Plan,
  cause: Error,
): Promise<void> {
  try {
    await runFfmpeg(decodeCommand(source, scratch, plan), { signal, log })
  } catch (error) {
    if (!(error instanceof FfmpegFailed)) throw error
    throw new VideoError(
      'undecodable',
      'The picture is damaged, or in a format that cannot be decoded. Export the video as H.264 and upload that.',
      { cause },
    )
  }
}

/** Reports where the work is, and stops it when the attempt is no longer the one that counts. */
async function tell(
  context: AttemptContext,
  stage: string,
  progress: number,
  etaSeconds: number | null,
): Promise<void> {
  const isOurs = await report(context.db, context.attempt, { stage, progress, etaSeconds })
  if (!isOurs) context.lose()
}

async function endFailed(context: AttemptContext, error: unknown): Promise<void> {
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
      log.info({ code: failure.code }, 'video failed')
    } else {
      const outcome = await failForNow(trx, boss, job, attempt, failure)
      log.error({ err: error, code: failure.code, cause: failure.cause, outcome }, 'attempt failed')
    }
  })
}
