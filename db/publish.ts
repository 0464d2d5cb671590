// Publishing: the one transaction after which a video plays from a new set of files.
import { sql } from 'kysely'
import { type Attempt, endRunning, loseAndRepeat, win } from './attempts.ts'
import { type Boss, cancelJobs, type Job, send } from './boss.ts'
import type { Db, Trx } from './client.ts'
import { jobs } from './jobs.ts'
import type { RenditionKind, RenditionRow } from './schema.ts'
import { type Failure, unpublish } from './settle.ts'

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
  segments: Segment[]
  /** whole seconds; of one that grows, which is complete later */
  targetSeconds?: number
}

export interface Segment {
  uri: string
  durationSeconds: number
  bytes: number
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
 * Moves the video to a new publication, ends the attempt as won, completes the job and sends the
 * extra: all or nothing, and only if the attempt still owns the work.
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
  // It has everything that a first rung would have.
  await endRunning(trx, attempt.videoId, 'lost', 'first')
  await cancelJobs(trx, boss, attempt.videoId, ['first'])
  const publicationId = await supersede(trx, attempt, publication.masterKey, publication.renditions)
  await trx
    .updateTable('videos')
    .set({
      status: 'ready',
      stage: 'ready',
      progress: 1,
      publication_id: publicationId,
      url_hls: publication.masterKey,
      url_mp4: publication.mp4Key,
      thumbnail: publication.posterKey,
      url_preview: null,
      url_storyboard: null,
      duration_ms: Math.round(publication.durationSeconds * 1000),
      // The probe's size is the source's; where there was no probe of it, the tallest rung's is true.
      width: sql<number>`coalesce(width, ${publication.width})`,
      height: sql<number>`coalesce(height, ${publication.height})`,
      playable_at: sql<Date>`coalesce(playable_at, now())`,
      ready_at: sql<Date>`now()`,
    })
    .where('id', '=', attempt.videoId)
    .execute()
  const { requestId } = jobs.ladder.data.parse(job.data)
  await send(trx, boss, 'extra', { videoId: attempt.videoId, requestId })
}

export type PublishedRung = Pick<RenditionRow, 'key' | 'width' | 'height' | 'segments'>

/** The streams of a publication that have a picture. */
export async function publishedRungs(db: Db, publicationId: string): Promise<PublishedRung[]> {
  return db
    .selectFrom('publication_renditions')
    .innerJoin('renditions', 'renditions.id', 'publication_renditions.rendition_id')
    .select(['key', 'width', 'height', 'segments'])
    .where('publication_id', '=', publicationId)
    .where('kind', '=', 'video')
    .where('state', '=', 'ready')
    .execute()
}

export interface NewExtra {
  /** the publication it was made from */
  publicationId: string
  renditions: NewRendition[]
  /** why one of the two is not among them */
  leftOut: Failure | null
}

/**
 * As `publish`: what plays stays as it is, preview and storyboard come to it.
 * @returns false when the video plays from another publication by now: the work is sent again, and
 *   the caller removes its files
 * @throws JobLost as `publish`
 */
export async function publishExtra(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  extra: NewExtra,
): Promise<boolean> {
  const current = await trx
    .selectFrom('publications')
    .innerJoin('videos', 'videos.publication_id', 'publications.id')
    .select(['publications.id', 'master_key'])
    .where('videos.id', '=', attempt.videoId)
    .forUpdate('videos')
    .executeTakeFirst()
  if (current?.id !== extra.publicationId) {
    await loseAndRepeat(trx, boss, job, attempt)
    return false
  }
  await win(trx, boss, job, attempt, extra.leftOut)
  const publicationId = await supersede(trx, attempt, current.master_key, extra.renditions)
  await trx
    .insertInto('publication_renditions')
    .columns(['publication_id', 'rendition_id'])
    .expression(
      trx
        .selectFrom('publication_renditions')
        .select([sql.val(publicationId).as('publication_id'), 'rendition_id'])
        .where('publication_id', '=', current.id),
    )
    .execute()
  const keyOf = (kind: RenditionKind) => extra.renditions.find(made => made.kind === kind)?.key ?? null
  await trx
    .updateTable('videos')
    .set({
      publication_id: publicationId,
      url_preview: keyOf('preview'),
      url_storyboard: keyOf('storyboard'),
    })
    .where('id', '=', attempt.videoId)
    .execute()
  return true
}

/** A new current publication of the attempt's renditions. @returns its id */
export async function supersede(
  trx: Trx,
  attempt: Attempt,
  masterKey: string | null,
  made: NewRendition[],
): Promise<string> {
  await unpublish(trx, attempt.videoId)
  const publicationId = crypto.randomUUID()
  await sql`
    insert into publications (id, video_id, seq, master_key)
    select ${publicationId}, ${attempt.videoId}, coalesce(max(seq), 0) + 1, ${masterKey}
    from publications where video_id = ${attempt.videoId}`.execute(trx)
  await addRenditions(trx, attempt, publicationId, made)
  return publicationId
}

export async function addRenditions(
  trx: Trx,
  { videoId, token }: Attempt,
  publicationId: string,
  made: NewRendition[],
): Promise<void> {
  const renditions = made.map(rendition => ({
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
    complete: rendition.targetSeconds === undefined,
    target_seconds: rendition.targetSeconds ?? null,
  }))
  await trx.insertInto('renditions').values(renditions).execute()
  await trx
    .insertInto('publication_renditions')
    .values(renditions.map(({ id }) => ({ publication_id: publicationId, rendition_id: id })))
    .execute()
}
