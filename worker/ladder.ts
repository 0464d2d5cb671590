// The ladder: source → every rendition → one publication, and the video is `ready`.
// The order that must not change: encode in scratch, verify, put the files into the storage, and
// only then the transaction that names them.
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { report } from '#db/attempts.ts'
import { publish } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { type AttemptContext, runAttempt, store } from './attempt.ts'
import type { Handler } from './context.ts'
import { VideoError } from './errors.ts'
import { decodeCommand, ladderCommand } from './ffmpeg/args.ts'
import { type Plan, RECIPE, soundsOf } from './ffmpeg/plan.ts'
import { FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { measureLadder, requireWhole, Unplayable } from './ffmpeg/verify.ts'
import { writePublication } from './publication.ts'
import { readSource } from './source.ts'

export const ladder: Handler<'ladder'> = (context, { videoId }, job) =>
  runAttempt(context, job, { kind: 'ladder', videoId, recipe: RECIPE, make: makeAndPublish })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  const { boss, attempt, job, scratch } = context
  const { source, plan } = await readSource(context, video)
  const streams = await encode(context, source, plan)
  await tell(context, 'publishing', 1)
  const publication = await writePublication({ ...context, plan, streams })
  await store(context, scratch, trx => publish(trx, boss, job, attempt, publication))
}

/** Encodes the ladder and measures it; says whose fault it is when that fails. */
async function encode(context: AttemptContext, source: string, plan: Plan) {
  const { scratch } = context
  for (const { name } of [...plan.rungs, ...soundsOf(plan)]) await mkdir(path.join(scratch, name))
  await tell(context, 'encoding', 0)
  const expected = plan.durationSeconds
  try {
    await runFfmpeg(ladderCommand(source, scratch, plan), {
      signal: context.signal,
      log: context.log,
      onProgress: seconds => {
        if (!expected) return
        // Fire and forget: a progress report that fails is followed by another.
        tell(context, 'encoding', Math.min(0.99, seconds / expected)).catch(error =>
          context.log.warn({ err: error }, 'progress lost'),
        )
      },
    })
    await tell(context, 'verifying', 0.99)
    const streams = await measureLadder(scratch, plan, context.signal)
    requireWhole(streams.video, plan)
    return streams
  } catch (error) {
    if (error instanceof FfmpegFailed || error instanceof Unplayable)
      await blameSource(context, source, plan, error)
    throw error
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
async function tell(context: AttemptContext, stage: string, progress: number): Promise<void> {
  const isOurs = await report(context.db, context.attempt, { stage, progress })
  if (!isOurs) context.lose()
}
