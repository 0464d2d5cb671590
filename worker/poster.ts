// The poster of a first rung, from one segment while others are made: whoever does not play the video
// sees a picture of it.
import { addPoster } from '#db/first.ts'
import type { Poster, Segment } from '#db/publish.ts'
import { attemptKey } from '#media/keys.ts'
import type { AttemptContext } from './attempt.ts'
import { posterCommand, posterSeconds } from './ffmpeg/args.ts'
import type { FirstPlan } from './ffmpeg/plan-first.ts'
import { runFfmpeg } from './ffmpeg/run.ts'
import { sizeOf } from './ffmpeg/verify.ts'
import { takePlaceholder } from './placeholder.ts'
import { fileRendition } from './publication.ts'
import { fetchStretch } from './stretch.ts'

const FILE = 'poster.jpg'
const STRETCH = 'stretch.mp4'

/** The second segment begins with a picture that is not black, and nothing before it has to be decoded. */
export function hasStill(segments: Segment[]): boolean {
  return segments.length > 1
}

/** @returns null when it is not made, which is in the log and costs nothing: the ladder makes its own */
export async function tryPoster(
  context: AttemptContext,
  plan: FirstPlan,
  publicationId: string,
  segments: Segment[],
): Promise<Poster | null> {
  try {
    return await publishPoster(context, plan, publicationId, segments)
  } catch (error) {
    // What is wrong with more than the poster, others notice as well.
    context.log.info({ err: error }, 'no poster yet')
    return null
  }
}

async function publishPoster(
  context: AttemptContext,
  plan: FirstPlan,
  publicationId: string,
  segments: Segment[],
): Promise<Poster> {
  const { db, storage, scratch, attempt } = context
  const segment = segments[1] ?? segments[0]
  const at = hasStill(segments) ? 0 : posterSeconds(plan.durationSeconds ?? 0)
  const folder = plan.streams.find(({ kind }) => kind === 'video')?.name
  const stored = attemptKey(attempt.videoId, attempt.token, `${folder}`)
  await fetchStretch(context, stored, [segment?.uri ?? ''], `${folder}/${STRETCH}`)
  const still = { input: `${folder}/${STRETCH}`, size: plan.poster, atSeconds: at, colour: plan.colour }
  await runFfmpeg(posterCommand(scratch, still), context)
  // Of this publication: another of the same attempt has its own.
  const key = `${stored}/${FILE}`
  const rendition = fileRendition('poster', key, await sizeOf(scratch, FILE))
  const placeholder = await takePlaceholder(scratch)
  await storage.putFiles([{ file: `${scratch}/${FILE}`, key }])
  await db.transaction().execute(trx => addPoster(trx, attempt, publicationId, { ...rendition, placeholder }))
  return { key, placeholder }
}
