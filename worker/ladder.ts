// The ladder: source → every rendition → one publication, and the video is `ready`.
// The order that must not change: encode in scratch, verify, put the files into the storage, and
// only then the transaction that names them.
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { report, saveFacts } from '#db/attempts.ts'
import { publish } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { type AttemptContext, runAttempt, store } from './attempt.ts'
import type { Handler } from './context.ts'
import { VideoError, WorldError } from './errors.ts'
import { decodeCommand, ladderCommand } from './ffmpeg/args.ts'
import { type Plan, planLadder, RECIPE, soundsOf } from './ffmpeg/plan.ts'
import { probe } from './ffmpeg/probe.ts'
import { FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { type MeasuredStream, measureLadder, Unplayable } from './ffmpeg/verify.ts'
import { writePublication } from './publication.ts'

export const ladder: Handler<'ladder'> = (context, { videoId }, job) =>
  runAttempt(context, job, { kind: 'ladder', videoId, recipe: RECIPE, make: makeAndPublish })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  const { db, boss, storage, config, attempt, job, scratch } = context
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
  const streams = await encode(context, source, plan)
  await tell(context, 'publishing', 1, null)
  const publication = await writePublication({ ...context, plan, streams })
  await store(context, scratch, trx => publish(trx, boss, job, attempt, publication))
}

/** Encodes the ladder and measures it; says whose fault it is when that fails. */
async function encode(context: AttemptContext, source: string, plan: Plan) {
  const { scratch } = context
  for (const { name } of [...plan.rungs, ...soundsOf(plan)]) await mkdir(path.join(scratch, name))
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
      await blameSource(context, source, plan, error)
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
  { signal, log, scratch }: AttemptContext,
  source: string,
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
