'use client'
// The saver of a video, the same for every component and however often they come and go.
import { useEffect, useSyncExternalStore } from 'react'
import { Saver, type SaverView } from '#app/edit/saver.ts'
import type { Video } from '#app/video.ts'

const savers = new Map<string, Saver>()

function saverOf(key: string): Saver {
  const known = savers.get(key)
  if (known) return known
  const saver = new Saver(key)
  savers.set(key, saver)
  return saver
}

/**
 * In the browser only.
 * @param key the file's, or the video's id
 * @param videoId once it has one
 */
export function useSaver(
  key: string,
  videoId: string | null,
  onSaved: (video: Video) => void,
): { saver: Saver; saves: SaverView } {
  const saver = saverOf(key)
  const saves = useSyncExternalStore(saver.subscribe, saver.read)
  useEffect(() => {
    saver.onSaved = onSaved
    if (videoId) saver.attach(videoId)
  }, [saver, videoId, onSaved])
  return { saver, saves }
}
