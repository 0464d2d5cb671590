'use client'
// Remembers where a person is in the feed, so that they come back to the same video from another page, also
// after a reload: what was loaded, in the tab's session, under a name that stands in the history's entry.
import { useEffect, useLayoutEffect, useRef } from 'react'
import type { LoadedFeed } from '#app/feed/order.ts'

const slot = 'pgreel.feed'
// Above the one on screen; the session holds about 5 MB.
const KEPT_ABOVE = 50

export interface FeedPlace {
  entry: string
  videoId: string
  loaded: LoadedFeed
}

/** @param onReturn called before the first paint when this entry of the history was left there */
export function useFeedPlace(
  loaded: LoadedFeed,
  videoId: string | null,
  onReturn: (place: FeedPlace) => void,
): void {
  const entry = useRef('')
  const latest = useRef({ loaded, videoId, onReturn })
  latest.current = { loaded, videoId, onReturn }

  useLayoutEffect(() => {
    const state: { pgreelFeed?: string } | null = history.state
    const place = read()
    const kept = state?.pgreelFeed ?? (isReload() ? place?.entry : undefined)
    entry.current = kept ?? `${Date.now()}`
    if (place?.entry === entry.current) latest.current.onReturn(place)
    // Next's router keeps what it does not know of an entry it comes back to.
    if (!state?.pgreelFeed) history.replaceState({ ...state, pgreelFeed: entry.current }, '')
  }, [])

  // Once, when they leave, and not with each video: of a long feed it is much to write.
  useEffect(() => {
    const leave = () => {
      const { loaded, videoId } = latest.current
      if (videoId !== null) write({ entry: entry.current, videoId, loaded: near(loaded, videoId) })
    }
    window.addEventListener('pagehide', leave)
    return () => {
      window.removeEventListener('pagehide', leave)
      leave()
    }
  }, [])
}

let isFirstInDocument = true

/** One that comes while the address changes loses the state of its entry; what was written last is its own. */
function isReload(): boolean {
  const [navigation] = performance.getEntriesByType('navigation')
  const isOfThis = isFirstInDocument && navigation?.name === location.href
  isFirstInDocument = false
  return isOfThis && (navigation as PerformanceNavigationTiming).type === 'reload'
}

function near(loaded: LoadedFeed, videoId: string): LoadedFeed {
  const index = loaded.items.findIndex(video => video.id === videoId)
  return { ...loaded, items: loaded.items.slice(Math.max(0, index - KEPT_ABOVE)) }
}

function read(): FeedPlace | null {
  try {
    return JSON.parse(sessionStorage.getItem(slot) ?? 'null')
  } catch {
    return null // SyntaxError: not written by us, or cut short
  }
}

function write(place: FeedPlace) {
  try {
    sessionStorage.setItem(slot, JSON.stringify(place))
  } catch {
    // QuotaExceededError, or storage is off: then the feed begins at its top.
  }
}
