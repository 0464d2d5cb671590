// The tables as Kysely sees them, after the words we use for them.
//
// video        what people mean; one row. Never an asset, clip or post.
// source       the uploaded bytes, never changed.
// upload       a tus upload; its id is the video's id.
// attempt      one try of one kind of work on one video, with a random token that is part of every
//              storage key it writes; at most one runs per (video, kind, params).
// rendition    one produced stream or file: a height, the audio, the MP4, the poster, the animated
//              preview, the storyboard (stills of the whole length, for a scrubber), captions.
// publication  the set of renditions a video now plays from; a newer one supersedes it.
// given        what its uploader gives a video beside the file: captions, a poster.
// worker       one process that runs FFmpeg.
// viewer       a browser that watches, by a random id in its cookie.
//
// What must always hold is in migrations/*.sql, not here.
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType, Selectable } from 'kysely'

export type VideoStatus = 'uploading' | 'queued' | 'processing' | 'ready' | 'failed' | 'cancelled'
export type AttemptKind = 'first' | 'ladder' | 'rung' | 'extra' | 'poster'
export type AttemptOutcome = 'running' | 'won' | 'lost' | 'failed' | 'crashed' | 'cancelled' | 'handed_back'
export type FailureCause = 'video' | 'world' | 'ours'
export type RenditionKind = 'video' | 'audio' | 'mp4' | 'poster' | 'preview' | 'storyboard' | 'captions'

/** `bigint` columns: the client parses them to numbers (all of ours stay below 2^53). */
type Bigint = ColumnType<number, number | bigint, number | bigint>
type NowOnInsert = ColumnType<Date, Date | undefined, Date>

interface VideosTable {
  id: string
  owner_id: string | null
  visibility: Generated<'public' | 'unlisted' | 'private'>
  title: string
  description: Generated<string>
  /** the hashtags of both */
  tags: GeneratedAlways<string[]>
  status: Generated<VideoStatus>
  stage: Generated<string>
  /** 0 to 1 */
  progress: Generated<number>
  /** when a ladder last said its progress */
  progress_at: Date | null
  /** what its ladder has to do, in megapixels */
  work: number | null
  source_key: string
  source_bytes: Bigint
  /** what the probe found, as worker/ffmpeg/probe.ts types it */
  facts: ColumnType<unknown, string | null, string | null>
  duration_ms: number | null
  /** as displayed: after rotation and pixel shape */
  width: number | null
  height: number | null
  publication_id: string | null
  /** storage key of the poster */
  thumbnail: string | null
  /** the poster in a few pixels, as a data: URI */
  placeholder: string | null
  /** storage key of the master playlist; null while the publication grows */
  url_hls: string | null
  /** storage key of the MP4 */
  url_mp4: string | null
  /** storage key of the animated preview */
  url_preview: string | null
  /** storage key of the storyboard's WebVTT; the sprite lies beside it */
  url_storyboard: string | null
  /** when the operator's KEEP_SOURCE let the source go */
  source_removed_at: Date | null
  playable_at: Date | null
  ready_at: Date | null
  error_code: string | null
  error_message: string | null
  deleted_at: Date | null
  version: Generated<number>
  created_at: NowOnInsert
}

interface UploadsTable {
  video_id: string
  length: Bigint
  /** bytes in the file when the last request ended: how much disk the rest will need */
  received: ColumnType<number, number | undefined, number>
  metadata: JSONColumnType<Record<string, string | null>>
  created_at: NowOnInsert
  last_byte_at: NowOnInsert
  expires_at: Date
  finished_at: Date | null
  lease_until: Date | null
}

interface AttemptsTable {
  token: string
  video_id: string
  kind: AttemptKind
  /** which one of its kind, such as a rung's height; '' where there is only one */
  params: Generated<string>
  /** version of the encoding settings that made its files */
  recipe: string
  worker_id: string
  started_at: NowOnInsert
  ended_at: Date | null
  outcome: Generated<AttemptOutcome>
  /** who must act on a failure: the uploader, the world (retried), or us (a bug); of one that won: why
   * a rendition is left out */
  cause: FailureCause | null
  error_code: string | null
  error_message: string | null
  bytes_expected: Bigint | null
  swept_at: Date | null
}

interface RenditionsTable {
  id: string
  video_id: string
  token: string
  kind: RenditionKind
  width: number | null
  height: number | null
  fps: number | null
  /** RFC 6381 */
  codecs: string | null
  peak_bps: number | null
  average_bps: number | null
  /** storage key: the media playlist of a stream, a storyboard's WebVTT, else the file */
  key: string
  /** everything stored for it */
  bytes: Bigint
  segments: ColumnType<unknown, string, string>
  /** false while segments are still added */
  complete: Generated<boolean>
  /** of a list that grows: how long its longest segment may become, whole seconds */
  target_seconds: number | null
  state: Generated<'ready' | 'failed'>
  error_code: string | null
  created_at: NowOnInsert
  /** of captions: BCP 47, when the source says */
  language: string | null
  /** of captions: what people choose by */
  label: string | null
}

interface PublicationsTable {
  id: string
  video_id: string
  seq: number
  /** null while it still grows */
  master_key: string | null
  created_at: NowOnInsert
  superseded_at: Date | null
  swept_at: Date | null
}

interface PublicationRenditionsTable {
  publication_id: string
  rendition_id: string
}

interface EventsTable {
  id: GeneratedAlways<number>
  video_id: string
  token: string | null
  at: NowOnInsert
  stage: string
  detail: JSONColumnType<Record<string, unknown>, string | undefined>
}

interface GivenCaptionsTable {
  video_id: string
  /** BCP 47; und where it is not known */
  language: string
  /** WebVTT; null where there are to be none in this language */
  vtt: string | null
  digest: GeneratedAlways<string | null>
  given_at: NowOnInsert
}

interface GivenPostersTable {
  video_id: string
  /** another one each time that somebody asks */
  wish: string
  given_at: ColumnType<Date, Date | undefined, Date>
  at_seconds: number | null
  /** until it is a poster */
  image: Buffer | null
  rendition_id: string | null
  placeholder: string | null
  error_code: string | null
  error_message: string | null
}

interface WorkersTable {
  id: string
  host: string
  pid: number
  slots: number
  started_at: NowOnInsert
  seen_at: NowOnInsert
}

/** Of every video; kept beside it, as whoever follows a video hears of each change of its row. */
interface VideoCountsTable {
  video_id: string
  views: Generated<number>
  likes: Generated<number>
  /** playable_at of what the feed may show; else null */
  listed_at: GeneratedAlways<Date | null>
  score: GeneratedAlways<number | null>
}

interface LikesTable {
  video_id: string
  viewer: string
  at: NowOnInsert
}

/** The last time that a viewer was counted. */
interface ViewsTable {
  video_id: string
  viewer: string
  at: NowOnInsert
}

/** How playing went, once; db/playbacks.ts writes and reads it. */
interface PlaybacksTable {
  id: GeneratedAlways<number>
  at: NowOnInsert
  video_id: string
  first_frame_ms: number | null
  stalls: number
  stalled_ms: number
  watched_ms: number
  height: number | null
  error_code: string | null
  connection: string | null
}

interface InstallationTable {
  only_row: Generated<boolean>
  /** written into the storage too: equal means web and worker see the same files */
  storage_id: string
  /** when this database first met it */
  created_at: NowOnInsert
  /** viewers' cookies are signed with it */
  viewer_secret: Generated<string>
}

interface UploadRatesTable {
  client: string
  whole_at: Date
}

export interface Database {
  videos: VideosTable
  uploads: UploadsTable
  attempts: AttemptsTable
  renditions: RenditionsTable
  publications: PublicationsTable
  publication_renditions: PublicationRenditionsTable
  events: EventsTable
  video_counts: VideoCountsTable
  likes: LikesTable
  views: ViewsTable
  playbacks: PlaybacksTable
  given_captions: GivenCaptionsTable
  given_posters: GivenPostersTable
  workers: WorkersTable
  installation: InstallationTable
  upload_rates: UploadRatesTable
}

export type VideoRow = Selectable<VideosTable>
export type RenditionRow = Selectable<RenditionsTable>
export type EventRow = Selectable<EventsTable>
