'use client'
// Whether a video was uploaded from this browser: as long as there are no accounts, that makes it one's own.
import { useSyncExternalStore } from 'react'
import { isOwnUpload } from '#app/upload/upload-memory.ts'

/** False on the server and while hydrating: only the browser remembers. */
export function useOwnUpload(videoId: string): boolean {
  return useSyncExternalStore(
    never,
    () => isOwnUpload(videoId),
    () => false,
  )
}

const never = () => () => {}
