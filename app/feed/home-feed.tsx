'use client'
// The feed at "/", whose address follows the videos: to the router, all of these are one page, which it
// has no reason to make anew. Whoever asks for the feed while in it, or goes back to where they were, has one.
import { usePathname } from 'next/navigation'
import { useEffect, useRef, useState } from 'react'
import { Feed } from '#app/feed/feed.tsx'
import { feedPageSize } from '#app/feed/page-size.ts'
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { VideoPage } from '#app/video.ts'

export function HomeFeed({ firstPage }: { firstPage: VideoPage }) {
  const path = usePathname()
  const last = useRef(path)
  const [visit, setVisit] = useState({ count: 0, page: firstPage })

  useEffect(() => {
    const isAskedFor = path === '/' && last.current !== '/'
    last.current = path
    if (!isAskedFor) return
    const again = (page?: VideoPage) =>
      setVisit(({ count, page: old }) => ({ count: count + 1, page: page ?? old }))
    const sort = new URLSearchParams(location.search).get('sort') ?? 'new'
    callApi<VideoPage>(`/api/videos?limit=${feedPageSize}&sort=${sort}`).then(again, error => {
      if (!(error instanceof ProblemError)) throw error
      again() // what was the newest then
    })
  }, [path])

  useEffect(() => {
    const goBack = () => {
      const isOther = location.pathname !== last.current
      if (isOther && location.pathname.startsWith('/v/')) location.reload()
    }
    window.addEventListener('popstate', goBack)
    return () => window.removeEventListener('popstate', goBack)
  }, [])

  return <Feed key={visit.count} firstPage={visit.page} />
}
