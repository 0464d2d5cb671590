'use client'
// Notes that a video was watched: three seconds of it, or half where it is shorter, as a view counts.
import { useEffect } from 'react'
import { rememberSeen } from '#app/feed/seen-videos.ts'
import type { Video } from '#app/video.ts'

const WATCHED_SECONDS = 3

/** @param video the one that plays */
export function useWatched(video: Video | undefined): void {
  const id = video?.id
  const seconds = Math.min(WATCHED_SECONDS, (video?.durationSeconds ?? Infinity) / 2)
  useEffect(() => {
    if (!id) return
    const timer = setTimeout(() => rememberSeen(id), seconds * 1000)
    return () => clearTimeout(timer)
  }, [id, seconds])
}
