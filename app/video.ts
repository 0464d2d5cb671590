// The JSON shape of a video: the API's and the pages' one view of it.
import type { RenditionKind, VideoStatus } from '#db/schema.ts'

interface VideoError {
  code: string
  message: string
  /** false: the file itself is the reason, another try ends the same way */
  retryable: boolean
}

export interface RenditionJson {
  kind: RenditionKind
  width: number | null
  height: number | null
  fps: number | null
  codecs: string | null
  /** bits per second */
  bandwidth: number | null
  bytes: number
  state: 'ready' | 'failed'
  /** why it could not be made */
  errorCode: string | null
}

export interface CaptionsJson {
  /** BCP 47; null where the source does not say */
  language: string | null
  /** what people choose by: no two of a video are alike */
  label: string
  /** WebVTT */
  url: string
}

/** What its uploader wants for a poster: made when the video is ready. */
export interface GivenPosterJson {
  state: 'waiting' | 'made' | 'failed'
  /** why it could not be made */
  message: string | null
}

/** Times are ISO 8601 in UTC; absent things are null. */
export interface Video {
  id: string
  title: string
  description: string
  /** the hashtags of title and description: lower case, without # */
  tags: string[]
  views: number
  likes: number
  /** by whoever asks */
  liked: boolean
  status: VideoStatus
  /**
   * finer than status: uploading, queued, waiting_for_disk, waiting_for_memory, probing, playable, encoding,
   * verifying, publishing, ready, failed, cancelled
   */
  stage: string
  playable: boolean
  /** 0 to 1, of the work that makes it ready */
  progress: number
  /** until it is ready; null when that cannot be told, and in lists */
  etaSeconds: number | null
  error: VideoError | null
  durationSeconds: number | null
  width: number | null
  height: number | null
  hlsUrl: string | null
  mp4Url: string | null
  posterUrl: string | null
  /** the poster in a few pixels, as a data: URI: shown until that is there */
  placeholder: string | null
  previewUrl: string | null
  storyboardUrl: string | null
  renditions: RenditionJson[]
  captions: CaptionsJson[]
  /** null where it is the one that was made by itself */
  givenPoster: GivenPosterJson | null
  createdAt: string
  playableAt: string | null
  readyAt: string | null
}

/** What a video has come past: received, queued, claimed, probed, playable, encoded, verified, ready; failed, cancelled. */
export interface Milestone {
  stage: string
  at: string
  /** of `claimed`: first or ladder */
  work: string | null
}

/** One page of the feed. */
export interface VideoPage {
  items: Video[]
  nextCursor: string | null
}

/** One page of whatever was asked for. */
export interface ListedPage extends VideoPage {
  /** no video has the words that were searched for: these have words that look like them */
  isSimilar: boolean
}
