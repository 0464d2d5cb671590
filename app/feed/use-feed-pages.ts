'use client'
// The pages of the feed: the server's first one, then the API's, by cursor.
import { useCallback, useEffect, useRef, useState } from 'react'
import { append, type LoadedFeed, rejoin, sortBelow } from '#app/feed/order.ts'
import { feedPageSize } from '#app/feed/page-size.ts'
import { seenVideos } from '#app/feed/seen-videos.ts'
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { VideoPage } from '#app/video.ts'

// Of somebody who has seen most of them, few remain of each page.
const MANY = 24

interface FeedPages {
  loaded: LoadedFeed
  isLoading: boolean
  /** why the next page could not be had, as a sentence */
  problem: string | null
  /** safe to call at any time: does nothing at the end, while loading, or after a failure */
  loadMore(): void
  retry(): void
  /** asks for the first page again; for a feed that was empty */
  startOver(): void
  /** takes what was loaded when the person was here before */
  resume(kept: LoadedFeed): void
}

export function useFeedPages(firstPage: VideoPage): FeedPages {
  const [loaded, setLoaded] = useState<LoadedFeed>({ ...firstPage, later: [] })
  const [isLoading, setLoading] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  // State is a render behind; two calls in one frame must not fetch a page twice.
  const isBusy = useRef(false)
  const isResumed = useRef(false)

  useEffect(() => {
    if (!isResumed.current) setLoaded(fresh => sortBelow(fresh, seenVideos()))
  }, [])

  const load = useCallback(async (cursor: string | null, limit: number) => {
    if (isBusy.current) return
    isBusy.current = true
    setLoading(cursor !== null)
    setProblem(null)
    try {
      const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const next = await callApi<VideoPage>(`/api/videos?limit=${limit}${after}`)
      setLoaded(known => append(known, next, seenVideos()))
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      // An empty feed that could not look again simply tries again later.
      if (cursor !== null) setProblem(error.message)
    } finally {
      isBusy.current = false
      setLoading(false)
    }
  }, [])

  const { nextCursor } = loaded
  const limit = loaded.later.length > 0 ? MANY : feedPageSize
  const retry = useCallback(() => void load(nextCursor, limit), [load, nextCursor, limit])
  useEffect(() => {
    if (problem === null) return
    window.addEventListener('online', retry)
    return () => window.removeEventListener('online', retry)
  }, [problem, retry])

  return {
    loaded,
    isLoading,
    problem,
    loadMore: useCallback(() => {
      if (nextCursor !== null && problem === null) retry()
    }, [retry, nextCursor, problem]),
    retry,
    startOver: useCallback(() => void load(null, feedPageSize), [load]),
    resume: useCallback((kept: LoadedFeed) => {
      isResumed.current = true
      setLoaded(fresh => rejoin(fresh, kept))
    }, []),
  }
}
