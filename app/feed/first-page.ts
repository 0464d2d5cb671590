// What the feed begins with where it is opened at a video, on the server: that one, then the newest.
import { preload } from 'react-dom'
import { feedPageSize } from '#app/feed/page-size.ts'
import { parseListing } from '#app/listing.ts'
import type { Video, VideoPage } from '#app/video.ts'
import { listPage } from '#app/video-json.ts'

export async function pageFrom(video: Video): Promise<VideoPage> {
  const newest = parseListing({ q: null, tag: null, cursor: null, sort: 'new' })
  const { items, nextCursor } = await listPage(newest, feedPageSize)
  fetchEarly(video)
  return { items: [video, ...items.filter(other => other.id !== video.id)], nextCursor }
}

/** Its playlist is there before the player, whose code takes longer. One that grows is never kept. */
export function fetchEarly(video: Video | undefined): void {
  if (video?.hlsUrl && video.status === 'ready')
    preload(video.hlsUrl, { as: 'fetch', crossOrigin: 'anonymous' })
}
