'use client'
// The feed's keys: ↓ j next, ↑ k previous, space play or pause, m sound.
import { useEffect, useRef } from 'react'
import { toggleSound } from '#app/player/sound.ts'

interface FeedActions {
  next(): void
  previous(): void
  toggle(): void
}

export function useFeedKeys(actions: FeedActions): void {
  const latest = useRef(actions)
  latest.current = actions

  useEffect(() => {
    function act(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || belongsToElement(event)) return
      const action = actionFor(event.key, latest.current)
      if (!action) return
      event.preventDefault() // the browser's own scrolling would fight with the snap
      action()
    }
    window.addEventListener('keydown', act)
    return () => window.removeEventListener('keydown', act)
  }, [])
}

function actionFor(key: string, actions: FeedActions): (() => void) | null {
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return actions.next
    case 'ArrowUp':
    case 'k':
      return actions.previous
    case ' ':
      return actions.toggle
    case 'm':
      return toggleSound
    default:
      return null
  }
}

/** Space presses a focused button or link, and opens a list. Arrows on the scrubber move it only sideways for us. */
function belongsToElement(event: KeyboardEvent): boolean {
  if (!(event.target instanceof Element)) return false
  if (event.key === ' ') return event.target.closest('button, a, select') !== null
  return event.target.closest('input:not([type="range"]), textarea, select') !== null
}
