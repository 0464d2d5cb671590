// The poster of a first rung, from its first segment while the others are made: whoever does not play
// the video sees a picture of it. One that fails costs nothing: the ladder makes its own.
import { addPoster } from '#db/first.ts'
import { attemptKey } from '#media/keys.ts'
import type { AttemptContext } from './attempt.ts'
import { posterCommand } from './ffmpeg/args.ts'
import type { FirstPlan } from './ffmpeg/plan-first.ts'
import { sizeOf } from './ffmpeg/verify.ts'
import { fileRendition, tryFfmpeg } from './publication.ts'
import { fetchStretch } from './stretch.ts'

const FILE = 'poster.jpg'
const FIRST_SEGMENT = '00000.m4s'
const STRETCH = 'stretch.mp4'

/** @returns its key; null when there is none */
export async function publishPoster(
  context: AttemptContext,
  plan: FirstPlan,
  publicationId: string,
): Promise<string | null> {
  const { db, storage, scratch, attempt } = context
  const folder = plan.streams.find(({ kind }) => kind === 'video')?.name
  const stored = attemptKey(attempt.videoId, attempt.token, `${folder}`)
  await fetchStretch(context, stored, [FIRST_SEGMENT], `${scratch}/${folder}/${STRETCH}`)
  const still = posterCommand(scratch, `${folder}/${STRETCH}`, plan.poster, plan.durationSeconds ?? 0)
  if (!(await tryFfmpeg(context, 'poster', still))) return null
  // Of this publication: another of the same attempt has its own.
  const key = `${stored}/${FILE}`
  const poster = fileRendition('poster', key, await sizeOf(scratch, FILE))
  await storage.putFiles([{ file: `${scratch}/${FILE}`, key }])
  await db.transaction().execute(trx => addPoster(trx, attempt, publicationId, poster))
  return key
}
