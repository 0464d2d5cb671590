// The poster of a first rung, from one segment while others are made: whoever does not play the video
// sees a picture of it.
import { addPoster } from '#db/first.ts'
import { attemptKey } from '#media/keys.ts'
import type { AttemptContext } from './attempt.ts'
import { posterCommand } from './ffmpeg/args.ts'
import type { FirstPlan } from './ffmpeg/plan-first.ts'
import { runFfmpeg } from './ffmpeg/run.ts'
import { sizeOf } from './ffmpeg/verify.ts'
import { fileRendition } from './publication.ts'
import { fetchStretch } from './stretch.ts'

const FILE = 'poster.jpg'
const STRETCH = 'stretch.mp4'

/** @param atSeconds within the segment @returns its key */
export async function publishPoster(
  context: AttemptContext,
  plan: FirstPlan,
  publicationId: string,
  segment: string,
  atSeconds: number,
): Promise<string> {
  const { db, storage, scratch, attempt } = context
  const folder = plan.streams.find(({ kind }) => kind === 'video')?.name
  const stored = attemptKey(attempt.videoId, attempt.token, `${folder}`)
  await fetchStretch(context, stored, [segment], `${scratch}/${folder}/${STRETCH}`)
  const still = posterCommand(scratch, `${folder}/${STRETCH}`, plan.poster, atSeconds)
  await runFfmpeg(still, context)
  // Of this publication: another of the same attempt has its own.
  const key = `${stored}/${FILE}`
  const poster = fileRendition('poster', key, await sizeOf(scratch, FILE))
  await storage.putFiles([{ file: `${scratch}/${FILE}`, key }])
  await db.transaction().execute(trx => addPoster(trx, attempt, publicationId, poster))
  return key
}
