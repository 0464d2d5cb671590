// Videos as people read and change them: by id (lists are in listing.ts), cancel, retry, edit, delete.
// (What work does to a video is in uploads.ts, attempts.ts and publish.ts.)
import { type Selectable, sql } from 'kysely'
import { jsonArrayFrom, jsonObjectFrom } from 'kysely/helpers/postgres'
import { endRunning } from './attempts.ts'
import { type Boss, cancelJobs, send } from './boss.ts'
import type { Db, Trx } from './client.ts'
import { hasJob, sendMissingWork } from './heal.ts'
import { missingRenditions } from './missing.ts'
import type { Database, RenditionRow, VideoRow } from './schema.ts'
import { UNPUBLISHED, unpublish } from './settle.ts'
import { sendWork } from './work.ts'

type CurrentRendition = Pick<
  RenditionRow,
  | 'kind'
  | 'width'
  | 'height'
  | 'fps'
  | 'codecs'
  | 'peak_bps'
  | 'bytes'
  | 'state'
  | 'error_code'
  | 'language'
  | 'label'
> & { captions_key: string | null }
export type VideoWithRenditions = VideoRow & {
  renditions: CurrentRendition[]
  views: number
  likes: number
  /** how popular; null when no list shows it */
  score: number | null
  /** by the viewer that was asked for */
  liked: boolean
  /** a null digest: none in this language */
  given_captions: { language: string; digest: string | null }[]
  given_poster: { rendition_id: string | null; error_message: string | null } | null
  /** playable_at in microseconds since 1970: a JavaScript date would cut it to milliseconds */
  playable_at_us: number | null
}

/** Not found and deleted are the same. */
export async function findVideo(
  db: Db,
  id: string,
  viewer: string | null = null,
): Promise<VideoWithRenditions | null> {
  const row = await selectVideos(db, viewer).where('videos.id', '=', id).executeTakeFirst()
  return row ?? null
}

export async function findVideos(
  db: Db,
  ids: string[],
  viewer: string | null = null,
): Promise<VideoWithRenditions[]> {
  if (ids.length === 0) return []
  return selectVideos(db, viewer).where('videos.id', 'in', ids).execute()
}

export async function editVideo(
  db: Db,
  id: string,
  changes: { title?: string; description?: string; visibility?: VideoRow['visibility'] },
): Promise<boolean> {
  const updated = await db
    .updateTable('videos')
    .set(changes)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return updated !== undefined
}

export type ChangeOutcome = 'done' | 'not found' | 'conflict' | 'source gone'

/** Stops the work; the source stays, so that it can be retried. Cancelled twice is done. */
export async function cancelVideo(trx: Trx, boss: Boss, id: string): Promise<ChangeOutcome> {
  const video = await lock(trx, id)
  if (!video) return 'not found'
  if (video.status === 'cancelled') return 'done'
  // An upload that is under way is ended through tus: the person's own copy is all there is of it.
  if (['uploading', 'ready', 'failed'].includes(video.status)) return 'conflict'
  await endRunning(trx, id, 'cancelled')
  await cancelJobs(trx, boss, id, ['first', 'ladder'])
  await unpublish(trx, id)
  await trx
    .updateTable('videos')
    .set({ ...UNPUBLISHED, status: 'cancelled', stage: 'cancelled' })
    .where('id', '=', id)
    .execute()
  return 'done'
}

/** Queues a failed or cancelled video again, or what a ready one lacks, with a fresh budget of tries. */
export async function retryVideo(
  trx: Trx,
  boss: Boss,
  id: string,
  requestId?: string,
): Promise<ChangeOutcome> {
  const video = await lock(trx, id)
  if (!video) return 'not found'
  if (video.status === 'queued' || video.status === 'processing') {
    await sendMissingWork(trx, boss, id, requestId)
    return 'done'
  }
  if (video.source_removed_at) return 'source gone'
  if (video.status === 'ready') return retryMissing(trx, boss, video, requestId)
  const upload = await trx
    .selectFrom('uploads')
    .select('finished_at')
    .where('video_id', '=', id)
    .executeTakeFirst()
  if (video.status === 'uploading' || !upload?.finished_at) return 'conflict'
  await noteRetry(trx, id)
  await trx
    .updateTable('videos')
    .set({ status: 'queued', stage: 'queued', progress: 0, error_code: null, error_message: null })
    .where('id', '=', id)
    .execute()
  await cancelJobs(trx, boss, id, ['first', 'ladder'])
  await send(trx, boss, 'first', { videoId: id, requestId })
  return 'done'
}

/** What a video that is ready has to do without is made once more, while it plays on. */
async function retryMissing(
  trx: Trx,
  boss: Boss,
  { id, publication_id }: Selectable<Database['videos']>,
  requestId?: string,
): Promise<ChangeOutcome> {
  const missing = await missingRenditions(trx, publication_id)
  if (missing.length === 0) return 'conflict'
  const work = missing.some(({ height }) => height === null) ? 'ladder' : 'rung'
  if (!(await hasJob(trx, work, id))) {
    await noteRetry(trx, id)
    await sendWork(trx, boss, work, { videoId: id, requestId })
  }
  return 'done'
}

/** Budgets count from here. */
async function noteRetry(trx: Trx, id: string): Promise<void> {
  await trx
    .insertInto('events')
    .values({ video_id: id, stage: 'retried', detail: JSON.stringify({ retry: true }) })
    .execute()
}

/** Gone for everyone at once; work stops, and the files go with a job of the same transaction. */
export async function deleteVideo(
  trx: Trx,
  boss: Boss,
  id: string,
  requestId?: string,
): Promise<ChangeOutcome> {
  const video = await lock(trx, id)
  if (!video) return 'not found'
  await endRunning(trx, id, 'cancelled')
  await cancelJobs(trx, boss, id, ['first', 'ladder', 'rung', 'extra', 'poster'])
  const isUnfinished = ['uploading', 'queued', 'processing'].includes(video.status)
  if (isUnfinished) await unpublish(trx, id)
  const cancelled = { ...UNPUBLISHED, status: 'cancelled', stage: 'cancelled' } as const
  await trx
    .updateTable('videos')
    .set({ deleted_at: sql<Date>`now()`, ...(isUnfinished && cancelled) })
    .where('id', '=', id)
    .execute()
  await send(trx, boss, 'purge', { videoId: id, requestId })
  return 'done'
}

/** Deleted videos whose files may still stand. */
export async function isDeleted(db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('videos').select('deleted_at').where('id', '=', id).executeTakeFirst()
  return row !== undefined && row.deleted_at !== null
}

/** Deleted, and perhaps forgotten by now: nothing of it is to be kept. */
export async function isGone(db: Db, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('videos')
    .select('id')
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row === undefined
}

/** Forgets a deleted video; its files must be gone by now. */
export async function forgetVideo(db: Db, id: string): Promise<void> {
  await db.deleteFrom('videos').where('id', '=', id).where('deleted_at', 'is not', null).execute()
}

async function lock(trx: Trx, id: string): Promise<Selectable<Database['videos']> | undefined> {
  return trx
    .selectFrom('videos')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
}

/** Rows as `VideoWithRenditions`, of what is not deleted. */
export function selectVideos(db: Db, viewer: string | null) {
  return db
    .selectFrom('videos')
    .innerJoin('video_counts', 'video_counts.video_id', 'videos.id')
    .selectAll('videos')
    .select(['views', 'likes', 'score'])
    .select(
      sql<boolean>`exists (select from likes where likes.video_id = videos.id and viewer = ${viewer}::uuid)`.as(
        'liked',
      ),
    )
    .select(sql<number | null>`(extract(epoch from playable_at) * 1000000)::bigint`.as('playable_at_us'))
    .select(eb =>
      jsonArrayFrom(
        eb
          .selectFrom('publication_renditions')
          .innerJoin('renditions', 'renditions.id', 'publication_renditions.rendition_id')
          .select([
            'kind',
            'renditions.width',
            'renditions.height',
            'fps',
            'codecs',
            'peak_bps',
            'bytes',
            'state',
            'renditions.error_code',
            'language',
            'label',
            // Of what has no other way to be named; a page of the feed has ten of the rest for each video.
            sql<string | null>`case when kind = 'captions' then renditions.key end`.as('captions_key'),
          ])
          .whereRef('publication_renditions.publication_id', '=', 'videos.publication_id')
          .orderBy('kind')
          .orderBy('renditions.height', height => height.desc().nullsLast())
          .orderBy('renditions.key'),
      ).as('renditions'),
    )
    .select(eb =>
      jsonArrayFrom(
        eb
          .selectFrom('given_captions')
          .select(['language', 'digest'])
          .whereRef('given_captions.video_id', '=', 'videos.id')
          .orderBy('language'),
      ).as('given_captions'),
    )
    .select(eb =>
      jsonObjectFrom(
        eb
          .selectFrom('given_posters')
          .select(['rendition_id', 'given_posters.error_message'])
          .whereRef('given_posters.video_id', '=', 'videos.id'),
      ).as('given_poster'),
    )
    .where('deleted_at', 'is', null)
}
