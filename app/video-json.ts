// Rows → the API's videos, in one place; and the two reads that pages and routes share.
import { z } from 'zod'
import { type ListRequest, makeCursor } from '#app/listing.ts'
import { Refusal } from '#app/problem.ts'
import { server } from '#app/server.ts'
import type { CaptionsJson, GivenPosterJson, ListedPage, RenditionJson, Video } from '#app/video.ts'
import { currentViewer } from '#app/viewer.ts'
import type { Db } from '#db/client.ts'
import { type Queue, readQueue, secondsUntilReady } from '#db/eta.ts'
import { listVideos, similarVideos } from '#db/listing.ts'
import { GAVE_UP } from '#db/settle.ts'
import { findVideo, type VideoWithRenditions } from '#db/videos.ts'
import { mediaUrl } from '#media/keys.ts'
import { distinct, languageName } from '#media/labels.ts'

const uuid = z.uuid()
const MAX_LIMIT = 50

/** Null when unknown, deleted, or not an id at all. */
export async function videoById(id: string): Promise<Video | null> {
  if (!uuid.safeParse(id).success) return null
  const { db, config } = await server()
  const row = await findVideo(db, id.toLowerCase(), await currentViewer())
  return row && toVideo(row, config.mediaBaseUrl, await etaOf(db, row))
}

export async function listPage({ after, ...listing }: ListRequest, limit: number): Promise<ListedPage> {
  const { db, config } = await server()
  const viewer = await currentViewer()
  const rows = await listVideos(db, listing, after, limit + 1, viewer)
  // Nobody goes on from here: who searches sees the likest, and types anew.
  const isSimilar = rows.length === 0 && listing.words !== null && after === null
  const found = isSimilar ? await similarVideos(db, listing, limit, viewer) : rows.slice(0, limit)
  const last = found.at(-1)
  return {
    items: found.map(row => toVideo(row, config.mediaBaseUrl)),
    nextCursor: rows.length > limit && last ? makeCursor(last, listing.sort) : null,
    isSimilar: isSimilar && found.length > 0,
  }
}

/** `limit` as a client wrote it. @throws Refusal */
export function parseLimit(text: string | null): number {
  if (text === null) return 10
  const limit = Number(text)
  if (!/^\d{1,3}$/.test(text) || limit < 1 || limit > MAX_LIMIT) {
    throw new Refusal(400, 'bad_limit', `limit must be a whole number from 1 to ${MAX_LIMIT}.`)
  }
  return limit
}

const QUEUE_HOLDS_MS = 1000
const queues = new WeakMap<Db, { readAt: number; queue: Promise<Queue> }>()

/** From the whole queue, which is read once a second, however many videos are asked for. */
export async function etaOf(db: Db, { id, status }: VideoWithRenditions): Promise<number | null> {
  if (status !== 'queued' && status !== 'processing') return null
  const known = queues.get(db)
  const now = performance.now()
  if (known && now - known.readAt < QUEUE_HOLDS_MS) return secondsUntilReady(await known.queue, id)
  const queue = readQueue(db)
  queues.set(db, { readAt: now, queue })
  return secondsUntilReady(await queue, id)
}

export function toVideo(
  row: VideoWithRenditions,
  mediaBaseUrl: string,
  etaSeconds: number | null = null,
): Video {
  const url = (key: string | null) => (key === null ? null : mediaUrl(mediaBaseUrl, key))
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    tags: row.tags,
    views: row.views,
    likes: row.likes,
    liked: row.liked,
    status: row.status,
    stage: row.stage,
    playable: row.playable_at !== null,
    progress: row.progress,
    etaSeconds,
    error:
      row.error_code === null
        ? null
        : {
            code: row.error_code,
            message: row.error_message ?? row.error_code,
            // Of what ends a video, only this is not its file's fault: see fail and failForNow.
            retryable: row.error_code === GAVE_UP.code,
          },
    durationSeconds: row.duration_ms === null ? null : row.duration_ms / 1000,
    width: row.width,
    height: row.height,
    hlsUrl: url(row.url_hls) ?? growingUrl(row),
    mp4Url: url(row.url_mp4),
    posterUrl: url(row.thumbnail),
    placeholder: row.placeholder,
    previewUrl: url(row.url_preview),
    storyboardUrl: url(row.url_storyboard),
    renditions: row.renditions.map(toRendition),
    captions: toCaptions(row, mediaBaseUrl),
    givenPoster: toGivenPoster(row),
    createdAt: row.created_at.toISOString(),
    playableAt: row.playable_at?.toISOString() ?? null,
    readyAt: row.ready_at?.toISOString() ?? null,
  }
}

/** Until the publication has an address in the storage, its playlists are rendered from its rows. */
function growingUrl({ id, publication_id }: VideoWithRenditions): string | null {
  return publication_id && `/api/videos/${id}/publications/${publication_id}/master.m3u8`
}

function toRendition(row: VideoWithRenditions['renditions'][number]): RenditionJson {
  const { kind, width, height, fps, codecs, bytes, state } = row
  const rest = { bandwidth: row.peak_bps, bytes, state, errorCode: row.error_code }
  return { kind, width, height, fps, codecs, ...rest }
}

/** Of what the source has, and what was given in its place or beside it. */
function toCaptions(
  { id, renditions, given_captions }: VideoWithRenditions,
  baseUrl: string,
): CaptionsJson[] {
  const given = given_captions.flatMap(({ language, digest }) =>
    digest === null
      ? []
      : [
          {
            language: language === UNDETERMINED ? null : language,
            label: (language !== UNDETERMINED && languageName(language)) || 'Captions',
            url: `/api/videos/${id}/captions/${language}?v=${digest}`,
          },
        ],
  )
  const replaced = new Set(given_captions.map(({ language }) => language))
  const own = renditions.flatMap(({ label, language, captions_key: key }) =>
    label === null || key === null || replaced.has(language ?? UNDETERMINED)
      ? []
      : [{ language, label, url: mediaUrl(baseUrl, key) }],
  )
  const taken = new Set<string>()
  return [...given, ...own].map(each => ({ ...each, label: distinct(each.label, taken) }))
}

const UNDETERMINED = 'und'

function toGivenPoster({ given_poster: given }: VideoWithRenditions): GivenPosterJson | null {
  if (!given) return null
  const { rendition_id, error_message: message } = given
  return { state: rendition_id ? 'made' : message === null ? 'waiting' : 'failed', message }
}
