// Publishing: the one transaction after which a video plays from a new set of files.
import { sql } from 'kysely'
import { z } from 'zod'
import { type Attempt, endRunning, win } from './attempts.ts'
import { type Boss, cancelJobs, type Job, send } from './boss.ts'
import type { Db, Trx } from './client.ts'
import { sendPoster } from './given.ts'
import { jobs } from './jobs.ts'
import type { RenditionKind, RenditionRow } from './schema.ts'
import { unpublish } from './settle.ts'

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
  /** why it could not be made: then nothing is stored under its key */
  failedWith?: string
  /** of captions: BCP 47 when known, and what people choose by */
  language?: string | null
  label?: string
}

const segmentsSchema = z.array(
  z.object({ uri: z.string(), durationSeconds: z.number().positive(), bytes: z.number() }),
)
export type Segment = z.infer<typeof segmentsSchema>[number]

/** A still: whatever names it, names its placeholder in the same statement. */
export interface Poster {
  key: string
  /** itself in a few pixels, as a data: URI */
  placeholder: string | null
}

export interface NewPublication {
  masterKey: string
  mp4Key: string | null
  poster: Poster | null
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
      thumbnail: publication.poster?.key ?? null,
      placeholder: publication.poster?.placeholder ?? null,
      url_preview: null,
      url_storyboard: null,
      duration_ms: Math.round(publication.durationSeconds * 1000),
      // The probe's size is the source's; where there was no probe of it, the tallest rung's is true.
      width: sql<number>`coalesce(width, ${publication.width})`,
      height: sql<number>`coalesce(height, ${publication.height})`,
      playable_at: sql<Date>`coalesce(playable_at, now())`,
      ready_at: sql<Date>`coalesce(ready_at, now())`,
    })
    .where('id', '=', attempt.videoId)
    .execute()
  const { requestId } = jobs.ladder.data.parse(job.data)
  await send(trx, boss, 'extra', { videoId: attempt.videoId, requestId })
  await sendPoster(trx, boss, attempt.videoId, requestId)
}

export type PublishedStream = Pick<
  RenditionRow,
  'kind' | 'key' | 'width' | 'height' | 'fps' | 'codecs' | 'peak_bps' | 'average_bps'
> & { segments: Segment[] }

/** Pictures and sounds of a publication. */
export async function publishedStreams(db: Db, publicationId: string): Promise<PublishedStream[]> {
  const rows = await db
    .selectFrom('publication_renditions')
    .innerJoin('renditions', 'renditions.id', 'publication_renditions.rendition_id')
    .select(['kind', 'key', 'renditions.width', 'renditions.height', 'fps', 'codecs', 'segments'])
    .select(['peak_bps', 'average_bps'])
    .where('publication_id', '=', publicationId)
    .where('kind', 'in', ['video', 'audio'])
    .where('state', '=', 'ready')
    .execute()
  return rows.map(row => ({ ...row, segments: segmentsSchema.parse(row.segments) }))
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
    state: rendition.failedWith === undefined ? ('ready' as const) : ('failed' as const),
    error_code: rendition.failedWith ?? null,
    language: rendition.language ?? null,
    label: rendition.label ?? null,
  }))
  await trx.insertInto('renditions').values(renditions).execute()
  await trx
    .insertInto('publication_renditions')
    .values(renditions.map(({ id }) => ({ publication_id: publicationId, rendition_id: id })))
    .execute()
}
