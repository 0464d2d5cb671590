// In which order the pages of the feed are shown: what this browser has not seen, then what it has. Pure.
import type { Video, VideoPage } from '#app/video.ts'

/** What is loaded. Those in `later` are seen already, and come when nothing else is left. */
export interface LoadedFeed extends VideoPage {
  later: Video[]
}

/**
 * Nothing that stands there moves: what is loaded keeps its place, only what comes is sorted. A video
 * whose publication moved while somebody scrolled may come twice; once is enough.
 */
export function append(known: LoadedFeed, next: VideoPage, seen: ReadonlySet<string>): LoadedFeed {
  const fresh = without([...known.items, ...known.later], next.items)
  return release({
    items: [...known.items, ...fresh.filter(video => !seen.has(video.id))],
    later: [...known.later, ...fresh.filter(video => seen.has(video.id))],
    nextCursor: next.nextCursor,
  })
}

/**
 * The first page came with the HTML, and its first video is on screen: it stays, seen or not, because a
 * page that changes under somebody's eyes is worse than a video again. What is below may be sorted.
 */
export function sortBelow({ items: [first, ...rest], nextCursor }: VideoPage, seen: ReadonlySet<string>) {
  if (!first) return { items: [], later: [], nextCursor }
  return append({ items: [first], later: [], nextCursor }, { items: rest, nextCursor }, seen)
}

/** What is new goes above. So much of it that the two do not meet would leave a gap: then afresh. */
export function rejoin(fresh: LoadedFeed, kept: LoadedFeed): LoadedFeed {
  const all = [...fresh.items, ...fresh.later]
  const news = without([...kept.items, ...kept.later], all)
  if (news.length === all.length) return fresh
  return { ...kept, items: [...news, ...kept.items] }
}

function release(feed: LoadedFeed): LoadedFeed {
  if (feed.nextCursor !== null) return feed
  return { items: [...feed.items, ...feed.later], later: [], nextCursor: null }
}

function without(known: Video[], items: Video[]): Video[] {
  const ids = new Set(known.map(video => video.id))
  return items.filter(video => !ids.has(video.id))
}
