'use client'
// Tells which video of the feed has come on screen.
import { type RefObject, useEffect } from 'react'
import type { Video } from '#app/video.ts'

/** More than half: while one snaps out and the next in, exactly one of them counts. */
const visibleShare = 0.6

/** @param items the same array until the list changes */
export function useSeenVideo(
  scroller: RefObject<HTMLElement | null>,
  items: readonly Video[],
  onSeen: (videoId: string) => void,
): void {
  useEffect(() => {
    const root = scroller.current
    if (!root || items.length === 0) return
    const observer = new IntersectionObserver(
      entries => {
        for (const { isIntersecting, target } of entries) {
          const id = target instanceof HTMLElement && target.dataset.videoId
          if (isIntersecting && id) onSeen(id)
        }
      },
      { root, threshold: visibleShare },
    )
    for (const article of root.querySelectorAll('article')) observer.observe(article)
    return () => observer.disconnect()
  }, [scroller, items, onSeen])
}
