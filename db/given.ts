// What its uploader gives a video beside the file: captions, which are true at once, and a poster, which a
// worker makes when the video is ready. Must not know: HTTP, or how a poster is made.
import { sql } from 'kysely'
import { type Boss, send } from './boss.ts'
import type { Db, Trx } from './client.ts'
import type { Failure } from './settle.ts'

/** Nobody speaks more; each is read again for every list of videos. */
export const MAX_GIVEN_CAPTIONS = 50

/** @param vtt null: none in this language, whatever the source has */
export async function giveCaptions(
  trx: Trx,
  videoId: string,
  language: string,
  vtt: string | null,
): Promise<'done' | 'not found' | 'too many'> {
  if (!(await lockLiving(trx, videoId))) return 'not found'
  const { others } = await trx
    .selectFrom('given_captions')
    .select(sql<number>`count(*)::int`.as('others'))
    .where('video_id', '=', videoId)
    .where('language', '<>', language)
    .executeTakeFirstOrThrow()
  if (others >= MAX_GIVEN_CAPTIONS) return 'too many'
  await trx
    .insertInto('given_captions')
    .values({ video_id: videoId, language, vtt })
    .onConflict(conflict =>
      conflict.columns(['video_id', 'language']).doUpdateSet({ vtt, given_at: sql<Date>`now()` }),
    )
    .execute()
  return 'done'
}

export async function findCaptions(
  db: Db,
  videoId: string,
  language: string,
): Promise<{ vtt: string; digest: string } | null> {
  const row = await db
    .selectFrom('given_captions')
    .innerJoin('videos', 'videos.id', 'video_id')
    .select(['vtt', 'digest'])
    .where('video_id', '=', videoId)
    .where('language', '=', language)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row?.vtt && row.digest ? { vtt: row.vtt, digest: row.digest } : null
}

/** A moment of the video, or a picture as it came. */
export type PosterWish = { atSeconds: number } | { image: Buffer }

/** Takes the place of an earlier wish. A video that is not ready yet sends the job when it is. */
export async function givePoster(
  trx: Trx,
  boss: Boss,
  videoId: string,
  wish: PosterWish,
  requestId?: string,
): Promise<boolean> {
  if (!(await lockLiving(trx, videoId))) return false
  const wished = {
    wish: crypto.randomUUID(),
    at_seconds: 'atSeconds' in wish ? wish.atSeconds : null,
    image: 'image' in wish ? wish.image : null,
    ...{ rendition_id: null, placeholder: null, error_code: null, error_message: null },
  }
  await trx
    .insertInto('given_posters')
    .values({ ...wished, video_id: videoId })
    .onConflict(conflict =>
      conflict.column('video_id').doUpdateSet({ ...wished, given_at: sql<Date>`now()` }),
    )
    .execute()
  await sendPoster(trx, boss, videoId, requestId)
  return true
}

/** In the transaction that makes a video ready, or gives it a wish: changes nothing unless it is both. */
export async function sendPoster(trx: Trx, boss: Boss, videoId: string, requestId?: string): Promise<void> {
  if (await waitsForPoster(trx, videoId)) await send(trx, boss, 'poster', { videoId, requestId })
}

export async function waitsForPoster(db: Db, videoId: string): Promise<boolean> {
  const waiting = await waitingWishes(db)
    .select('video_id')
    .where('video_id', '=', videoId)
    .executeTakeFirst()
  return waiting !== undefined
}

export interface WaitingWish {
  wish: string
  at_seconds: number | null
  image: Buffer | null
}

export async function readWish(db: Db, videoId: string): Promise<WaitingWish | null> {
  const row = await waitingWishes(db)
    .select(['wish', 'at_seconds', 'image'])
    .where('video_id', '=', videoId)
    .executeTakeFirst()
  return row ?? null
}

/** Of videos that are ready. Index: given_posters_waiting. */
export function waitingWishes(db: Db) {
  return db
    .selectFrom('given_posters')
    .innerJoin('videos', 'videos.id', 'video_id')
    .where('rendition_id', 'is', null)
    .where('given_posters.error_code', 'is', null)
    .where('status', '=', 'ready')
    .where('deleted_at', 'is', null)
}

/** No poster will come of it: the video keeps what it has. */
export async function endWish(trx: Trx, videoId: string, { code, message }: Failure): Promise<void> {
  if (!(await waitsForPoster(trx, videoId))) return
  await trx
    .updateTable('given_posters')
    .set({ at_seconds: null, image: null, error_code: code, error_message: message })
    .where('video_id', '=', videoId)
    .execute()
}

/** Waits for whatever moves the video just now. @returns false when there is none, or it is deleted */
async function lockLiving(trx: Trx, videoId: string): Promise<boolean> {
  const video = await trx
    .selectFrom('videos')
    .select('id')
    .where('id', '=', videoId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  return video !== undefined
}
