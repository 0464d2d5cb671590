'use client'
// Whether there is room for details beside the picture; as in feed.module.css.
import { useSyncExternalStore } from 'react'

const wide = '(min-width: 900px)'

/** False on the server: what it writes has its place on both. */
export function useIsWide(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => matchMedia(wide).matches,
    () => false,
  )
}

function subscribe(listener: () => void): () => void {
  const query = matchMedia(wide)
  query.addEventListener('change', listener)
  return () => query.removeEventListener('change', listener)
}
