// Publishing: the one transaction after which a video plays from a new set of files.
import { sql } from 'kysely'
import { type Attempt, win } from './attempts.ts'
import type { Boss, Job } from './boss.ts'
import type { Trx } from './client.ts'
import type { RenditionKind } from './schema.ts'

export interface NewRendition {
  kind: RenditionKind
  width: number | null
  height: number | null
  fps: number | null
  codecs: string | null
  peakBps: number | null
  averageBps: number | null
  key: string
  bytes: number
  segments: { uri: string; durationSeconds: number; bytes: number }[]
}

export interface NewPublication {
  masterKey: string
  mp4Key: string | null
  posterKey: string | null
  /** measured, not declared */
  durationSeconds: number
  /** of the tallest rung, as displayed */
  width: number
  height: number
  renditions: NewRendition[]
}

/**
 * Moves the video to a new publication, ends the attempt as won and completes the job: all or
 * nothing, and only if the attempt still owns the work.
 * @throws JobLost when it does not; the caller removes its files
 */
export async function publish(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  publication: NewPublication,
): Promise<void> {
  await win(trx, boss, job, attempt)
  const { videoId, token } = attempt
  const previous = await trx
    .updateTable('publications')
    .set({ superseded_at: sql<Date>`now()` })
    .where('video_id', '=', videoId)
    .where('superseded_at', 'is', null)
    .returning('seq')
    .executeTakeFirst()
  const publicationId = crypto.randomUUID()
  await trx
    .insertInto('publications')
    .values({
      id: publicationId,
      video_id: videoId,
      seq: (previous?.seq ?? 0) + 1,
      master_key: publication.masterKey,
    })
    .execute()
  const renditions = publication.renditions.map(rendition => ({
    id: crypto.randomUUID(),
    video_id: videoId,
    token,
    kind: rendition.kind,
    width: rendition.width,
    height: rendition.height,
    fps: rendition.fps,
    codecs: rendition.codecs,
    peak_bps: rendition.peakBps,
    average_bps: rendition.averageBps,
    key: rendition.key,
    bytes: rendition.bytes,
    segments: JSON.stringify(rendition.segments),
  }))
  await trx.insertInto('renditions').values(renditions).execute()
  await trx
    .insertInto('publication_renditions')
    .values(renditions.map(({ id }) => ({ publication_id: publicationId, rendition_id: id })))
    .execute()
  await trx
    .updateTable('videos')
    .set({
      status: 'ready',
      stage: 'ready',
      progress: 1,
      eta_seconds: null,
      publication_id: publicationId,
      url_hls: publication.masterKey,
      url_mp4: publication.mp4Key,
      thumbnail: publication.posterKey,
      duration_ms: Math.round(publication.durationSeconds * 1000),
      // The probe's size is the source's; where there was no probe of it, the tallest rung's is true.
      width: sql<number>`coalesce(width, ${publication.width})`,
      height: sql<number>`coalesce(height, ${publication.height})`,
      playable_at: sql<Date>`coalesce(playable_at, now())`,
      ready_at: sql<Date>`now()`,
    })
    .where('id', '=', videoId)
    .execute()
}
