// The ladder: source → every rendition → one publication, and the video is `ready`.
// The order that must not change: encode in scratch, verify, put the files into the storage, and
// only then the transaction that names them.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { diedBefore } from '#db/attempts.ts'
import { SOUND_UNDECODABLE } from '#db/missing.ts'
import { publish } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { type AttemptContext, runAttempt, store } from './attempt.ts'
import type { Handler } from './context.ts'
import { type Encoded, encodeAlone, encodeTogether, type LeftOut, tell } from './encode.ts'
import { VideoError } from './errors.ts'
import { decodeCommand, EVEN_SOUND } from './ffmpeg/args.ts'
import { type Plan, RECIPE } from './ffmpeg/plan.ts'
import { countPictures, DEATHS, FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { type MeasuredLadder, measureLadder, requireWhole, Unplayable } from './ffmpeg/verify.ts'
import { withGain } from './loudness.ts'
import { writePublication } from './publication.ts'
import { ladderNeeds } from './room.ts'
import { readSource } from './source.ts'

export const ladder: Handler<'ladder'> = (context, { videoId }, job) =>
  runAttempt(context, job, {
    kind: 'ladder',
    videoId,
    recipe: RECIPE,
    needs: ladderNeeds,
    make: makeAndPublish,
  })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  const { boss, attempt, job, scratch } = context
  const { source, plan } = await readSource(context, video)
  const made = await encode(context, source, await withGain(context, source, plan))
  // What stays there is published.
  await rm(path.join(scratch, EVEN_SOUND), { force: true })
  await tell(context, 'publishing', 1)
  const publication = await writePublication({ ...context, ...made })
  await store(context, scratch, trx => publish(trx, boss, job, attempt, publication))
}

/** Encodes the ladder and measures it; says whose fault it is when that fails. */
async function encode(context: AttemptContext, source: string, plan: Plan) {
  // Of all at once nobody knows which one it was that killed FFmpeg; and a try costs minutes.
  const way = (await diedBefore(context.db, context.attempt, DEATHS)) ? encodeAlone : encodeTogether
  try {
    const made: Encoded = await way(context, source, plan)
    await tell(context, 'verifying', 0.99)
    const streams = await measureLadder(context.scratch, made, context.signal)
    requireWhole(streams, made.plan)
    if (streams.soundFault) context.log.warn({ err: streams.soundFault }, 'sound left out: it does not play')
    return { ...made, leftOut: [...made.leftOut, ...lostSound(made.plan, streams)], streams }
  } catch (error) {
    if (error instanceof FfmpegFailed || error instanceof Unplayable)
      await blameSource(context, source, plan, error)
    throw error
  }
}

/** FFmpeg is content when it can decode nothing of a sound; people are told. */
function lostSound({ isSoundLost, sounds }: Plan, { audio }: MeasuredLadder): LeftOut[] {
  if (!isSoundLost && (sounds.length === 0 || audio)) return []
  return [{ kind: 'audio', name: 'audio', width: null, height: null, code: SOUND_UNDECODABLE }]
}

/** FFmpeg gave up: if a bare decode gives up as well, it is the file's fault and no retry helps. */
async function blameSource(
  { signal, log, config, scratch, scratchBytes }: AttemptContext,
  source: string,
  plan: Plan,
  cause: Error,
): Promise<void> {
  try {
    const watched = { signal, log, config, scratch, scratchBytes }
    const stderr = await runFfmpeg(decodeCommand(source, scratch, plan), watched)
    // It is content with nothing.
    if (countPictures(stderr) !== 0) return
  } catch (error) {
    if (!(error instanceof FfmpegFailed)) throw error
  }
  throw new VideoError(
    'undecodable',
    'The picture is damaged, or in a format that cannot be decoded. Export the video as H.264 and upload that.',
    { cause },
  )
}
