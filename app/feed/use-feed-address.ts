'use client'
// The address and the title follow the video on screen, without a word to the server: what is copied,
// reloaded or come back to is the video that one saw.
import { useEffect, useRef } from 'react'
import type { Video } from '#app/video.ts'

// Of a flick through ten videos, only the last one is worth a change; Safari allows a hundred in 30 s.
const SETTLED_MS = 250

/** @param video null as long as the page is where it was opened */
export function useFeedAddress(video: Video | null): void {
  const title = useRef('')
  title.current = video?.title ?? ''
  const id = video?.id
  useEffect(() => {
    if (!id) return
    const settled = setTimeout(() => {
      // Next's router adds its own part to a state without it, and learns of the new address.
      const { pgreelFeed } = history.state ?? {}
      history.replaceState({ pgreelFeed }, '', `/v/${id}`)
      document.title = `${title.current} · pgreel`
    }, SETTLED_MS)
    return () => clearTimeout(settled)
  }, [id])
}
