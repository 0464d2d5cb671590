// The first rung while it grows: published with its first segment, told of more as they are stored,
// and in the end a publication like any other. Segments are in the storage before a row names them.
import { sql } from 'kysely'
import { type Attempt, win } from './attempts.ts'
import { type Boss, type Job, JobLost, requireOwn } from './boss.ts'
import type { Db, Trx } from './client.ts'
import { hasJob } from './heal.ts'
import { jobs } from './jobs.ts'
import { addRenditions, type NewRendition, type Poster, type Segment, supersede } from './publish.ts'
import { becomeReady } from './settle.ts'
import { sendWork } from './work.ts'

export interface Growth {
  /** the source's, as its index says; null when it does not */
  durationSeconds: number | null
  /** as displayed */
  width: number
  height: number
  /** with a target duration, and the segments that are stored by now */
  renditions: NewRendition[]
  /** nothing more will come */
  isWhole: boolean
}

/**
 * Makes the video playable and sends its ladder, or takes the place of what a dead worker's attempt
 * published: then not before it has as many seconds, so that no viewer falls off its end.
 * @returns the publication's id, or null when it has fewer
 * @throws JobLost when the attempt no longer owns the work
 */
export async function publishGrowing(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  growth: Growth,
): Promise<string | null> {
  const { videoId } = attempt
  const video = await lockOwn(trx, attempt)
  const seconds = growth.renditions.find(({ kind }) => kind === 'video')?.segments ?? []
  if (!growth.isWhole && lengthOf(seconds) < (await publishedSeconds(trx, videoId))) return null
  const publicationId = await supersede(trx, attempt, null, growth.renditions)
  await trx
    .updateTable('videos')
    .set({
      publication_id: publicationId,
      ...(video.publication_id === null && { stage: 'playable', playable_at: sql<Date>`now()` }),
      duration_ms: growth.durationSeconds && Math.max(1, Math.round(growth.durationSeconds * 1000)),
      width: growth.width,
      height: growth.height,
    })
    .where('id', '=', videoId)
    .execute()
  await sendWork(trx, boss, 'ladder', jobs.first.data.parse(job.data))
  await requireOwn(trx, boss, job)
  return publicationId
}

/** What a growing rendition has by now. */
export interface Grown {
  key: string
  segments: Segment[]
  bytes: number
}

/** @returns false when the attempt no longer owns the work */
export async function grow(db: Db, { token }: Attempt, grown: Grown[]): Promise<boolean> {
  for (const { key, segments, bytes } of grown) {
    const updated = await db
      .updateTable('renditions')
      .set({ segments: JSON.stringify(segments), bytes })
      .where('key', '=', key)
      .where(sql<boolean>`exists (select from attempts where token = ${token} and outcome = 'running')`)
      .returning('id')
      .executeTakeFirst()
    if (!updated) return false
  }
  return true
}

/**
 * A still of what grows: pages have a picture before the ladder's.
 * @throws JobLost when the attempt no longer owns the work
 */
export async function addPoster(
  trx: Trx,
  attempt: Attempt,
  publicationId: string,
  { placeholder, ...poster }: NewRendition & Poster,
): Promise<void> {
  await lockOwn(trx, attempt)
  await addRenditions(trx, attempt, publicationId, [poster])
  await trx
    .updateTable('videos')
    .set({ thumbnail: poster.key, placeholder })
    .where('id', '=', attempt.videoId)
    .where('publication_id', '=', publicationId)
    .execute()
}

export interface Whole {
  masterKey: string
  /** that was added, if one was */
  poster: Poster | null
  /** measured */
  durationSeconds: number
  renditions: (Grown & { peakBps: number; averageBps: number })[]
}

/**
 * Nothing more will come: what grew has an address of its own now. The video is ready when its ladder
 * is not to come any more; else the ladder will say so.
 * @throws JobLost when the attempt no longer owns the work
 */
export async function completeFirst(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  publicationId: string,
  whole: Whole,
): Promise<void> {
  const { videoId } = attempt
  await win(trx, boss, job, attempt)
  for (const { key, segments, bytes, peakBps, averageBps } of whole.renditions) {
    await trx
      .updateTable('renditions')
      .set({
        ...{ segments: JSON.stringify(segments), bytes, complete: true },
        ...{ peak_bps: peakBps, average_bps: averageBps },
      })
      .where('key', '=', key)
      .execute()
  }
  await trx
    .updateTable('publications')
    .set({ master_key: whole.masterKey })
    .where('id', '=', publicationId)
    .execute()
  await trx
    .updateTable('videos')
    .set({
      url_hls: whole.masterKey,
      // A dead worker's stays no longer than its other files.
      thumbnail: whole.poster?.key ?? null,
      placeholder: whole.poster?.placeholder ?? null,
      duration_ms: Math.round(whole.durationSeconds * 1000),
    })
    .where('id', '=', videoId)
    .where('publication_id', '=', publicationId)
    .execute()
  if (!(await hasJob(trx, 'ladder', videoId))) await becomeReady(trx, videoId, publicationId)
}

async function lockOwn(trx: Trx, attempt: Attempt) {
  const video = await trx
    .selectFrom('videos')
    .select('publication_id')
    .where('id', '=', attempt.videoId)
    .forUpdate()
    .executeTakeFirst()
  // After the lock: who waited for it may have lost meanwhile.
  const running = await trx
    .selectFrom('attempts')
    .select('token')
    .where('token', '=', attempt.token)
    .where('outcome', '=', 'running')
    .executeTakeFirst()
  if (!video || !running) throw new JobLost({ id: attempt.token, name: attempt.kind })
  return video
}

async function publishedSeconds(trx: Trx, videoId: string): Promise<number> {
  const { rows } = await sql<{ segments: Segment[] }>`
    select segments
    from publications
    join publication_renditions on publication_id = publications.id
    join renditions on renditions.id = rendition_id
    where publications.video_id = ${videoId} and superseded_at is null and kind = 'video'`.execute(trx)
  return Math.max(0, ...rows.map(row => lengthOf(row.segments)))
}

function lengthOf(segments: Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.durationSeconds, 0)
}
