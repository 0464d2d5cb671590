'use client'
// Which videos of the feed have a player: the one on screen, the next two, and the one that people come from.
import { useCallback, useRef, useState } from 'react'

interface HeldPlayers {
  has(videoId: string, index: number): boolean
  /** a player of its own has drawn its first picture, or failed to; false when it has been taken away */
  onSettled(videoId: string, isSettled: boolean): void
}

/**
 * One after the other: the next begins to load when the one on screen is there, the second when the next
 * is. Who flicks through five loads none of those that they did not see. People who go back are met
 * there the same way.
 */
export function useHeldPlayers(ids: readonly string[], activeIndex: number): HeldPlayers {
  const [settled, setSettled] = useState<ReadonlySet<string>>(new Set())
  const onSettled = useCallback((videoId: string, isSettled: boolean) => {
    setSettled(known => {
      const now = new Set(known)
      if (isSettled) now.add(videoId)
      else now.delete(videoId)
      return now
    })
  }, [])

  const last = useRef({ index: activeIndex, step: 1 })
  if (last.current.index !== activeIndex) {
    last.current = { index: activeIndex, step: Math.sign(activeIndex - last.current.index) }
  }
  const { step } = last.current
  return {
    onSettled,
    has(videoId, index) {
      const distance = (index - activeIndex) * step
      if (distance === 0) return true
      if (distance < -1 || distance > 2) return false
      if (settled.has(videoId)) return true
      return distance > 0 && settled.has(ids[index - step] ?? '')
    },
  }
}
