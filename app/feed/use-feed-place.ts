'use client'
// Remembers where a person is in the feed, so that they come back to the same video from its page, also
// after a reload: what was loaded, in the tab's session, under a name that stands in the history's entry.
import { useEffect, useLayoutEffect, useRef } from 'react'
import type { VideoPage } from '#app/video.ts'

const slot = 'pgreel.feed'

export interface FeedPlace {
  entry: string
  videoId: string
  page: VideoPage
}

/** @param onReturn called before the first paint when this entry of the history was left there */
export function useFeedPlace(
  page: VideoPage,
  videoId: string | null,
  onReturn: (place: FeedPlace) => void,
): void {
  const entry = useRef('')
  const latest = useRef(onReturn)
  latest.current = onReturn

  useLayoutEffect(() => {
    const state: { pgreelFeed?: string } | null = history.state
    entry.current = state?.pgreelFeed ?? `${Date.now()}`
    const place = read()
    if (place?.entry === entry.current) latest.current(place)
    // Next's router keeps what it does not know of an entry it comes back to.
    if (!state?.pgreelFeed) history.replaceState({ ...state, pgreelFeed: entry.current }, '')
  }, [])

  useEffect(() => {
    if (videoId !== null) write({ entry: entry.current, videoId, page })
  }, [page, videoId])
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
