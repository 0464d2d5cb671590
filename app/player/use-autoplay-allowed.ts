'use client'
// Whether videos may start by themselves: not for people who asked for less motion or less data.
import { useSyncExternalStore } from 'react'

const lessMotion = '(prefers-reduced-motion: reduce)'

/** False while rendering on the server: nobody has been asked yet. */
export function useAutoplayAllowed(): boolean {
  return useSyncExternalStore(subscribe, isAllowed, () => false)
}

function isAllowed(): boolean {
  return !matchMedia(lessMotion).matches && !savesData()
}

/** The Save-Data setting; not in TypeScript's DOM library, and only in some browsers. */
function savesData(): boolean {
  const connection: unknown = 'connection' in navigator ? navigator.connection : null
  return (
    typeof connection === 'object' &&
    connection !== null &&
    'saveData' in connection &&
    connection.saveData === true
  )
}

function subscribe(listener: () => void): () => void {
  const query = matchMedia(lessMotion)
  query.addEventListener('change', listener)
  return () => query.removeEventListener('change', listener)
}
