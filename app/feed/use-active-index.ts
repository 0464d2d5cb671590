'use client'
// Which article of the feed is on screen.
import { type RefObject, useEffect, useState } from 'react'

/** More than half: while one snaps out and the next in, exactly one of them counts. */
const visibleShare = 0.6

export function useActiveIndex(scroller: RefObject<HTMLElement | null>, count: number): number {
  const [activeIndex, setActiveIndex] = useState(0)

  useEffect(() => {
    const root = scroller.current
    if (!root || count === 0) return
    const observer = new IntersectionObserver(
      entries => {
        for (const { isIntersecting, target } of entries) {
          if (isIntersecting && target instanceof HTMLElement) setActiveIndex(Number(target.dataset.index))
        }
      },
      { root, threshold: visibleShare },
    )
    for (const article of root.querySelectorAll('article')) observer.observe(article)
    return () => observer.disconnect()
  }, [scroller, count])

  return activeIndex
}
