'use client'
// The pages of the feed: the server's first one, then the API's, by cursor.
import { useCallback, useRef, useState } from 'react'
import { feedPageSize } from '#app/feed/page-size.ts'
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { Video, VideoPage } from '#app/video.ts'

interface FeedPages {
  /** all that is loaded, as one page */
  page: VideoPage
  isLoading: boolean
  /** why the next page could not be had, as a sentence */
  problem: string | null
  /** safe to call at any time: does nothing at the end, while loading, or after a failure */
  loadMore(): void
  retry(): void
  /** asks for the first page again; for a feed that was empty */
  startOver(): void
  /** takes what was loaded when the person was here before */
  resume(kept: VideoPage): void
}

export function useFeedPages(firstPage: VideoPage): FeedPages {
  const [page, setPage] = useState(firstPage)
  const [isLoading, setLoading] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  // State is a render behind; two calls in one frame must not fetch a page twice.
  const isBusy = useRef(false)

  const load = useCallback(async (cursor: string | null) => {
    if (isBusy.current) return
    isBusy.current = true
    setLoading(cursor !== null)
    setProblem(null)
    try {
      const after = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const next = await callApi<VideoPage>(`/api/videos?limit=${feedPageSize}${after}`)
      setPage(known => append(known, next))
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      // An empty feed that could not look again simply tries again later.
      if (cursor !== null) setProblem(error.message)
    } finally {
      isBusy.current = false
      setLoading(false)
    }
  }, [])

  const { nextCursor } = page
  return {
    page,
    isLoading,
    problem,
    loadMore: useCallback(() => {
      if (nextCursor !== null && problem === null) void load(nextCursor)
    }, [load, nextCursor, problem]),
    retry: useCallback(() => void load(nextCursor), [load, nextCursor]),
    startOver: useCallback(() => void load(null), [load]),
    resume: useCallback((kept: VideoPage) => setPage(fresh => rejoin(fresh, kept)), []),
  }
}

/** A video whose publication moved while somebody scrolled may come twice; once is enough. */
function append(known: VideoPage, next: VideoPage): VideoPage {
  return { items: [...known.items, ...without(known, next.items)], nextCursor: next.nextCursor }
}

/** What is new goes above. So much of it that the two do not meet would leave a gap: then afresh. */
function rejoin(fresh: VideoPage, kept: VideoPage): VideoPage {
  const news = without(kept, fresh.items)
  if (news.length === fresh.items.length) return fresh
  return { items: [...news, ...kept.items], nextCursor: kept.nextCursor }
}

function without(known: VideoPage, items: Video[]): Video[] {
  const ids = new Set(known.items.map(video => video.id))
  return items.filter(video => !ids.has(video.id))
}
