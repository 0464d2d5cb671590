'use client'
// The current state of some videos, kept fresh while the page shows them: also of those that are ready,
// because a deleted video must not go on standing there.
import { useCallback, useEffect, useState } from 'react'
import { mostWatched, watchVideos } from '#app/live/watch-videos.ts'
import type { Video } from '#app/video.ts'

export interface LiveVideos {
  /** by id; absent until the server has told */
  videos: Record<string, Video | undefined>
  /** in the order in which they went */
  removed: ReadonlySet<string>
  /** takes a newer state that came another way, such as the answer to a retry */
  accept(video: Video): void
}

/** One stream for all of `ids`: call this once per page, not once per video. */
export function useVideos(ids: readonly string[], initial: readonly Video[] = []): LiveVideos {
  const [videos, setVideos] = useState<LiveVideos['videos']>(() =>
    Object.fromEntries(initial.map(video => [video.id, video])),
  )
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set())

  const accept = useCallback((video: Video) => setVideos(known => ({ ...known, [video.id]: video })), [])

  const key = ids
    .filter(id => !removed.has(id))
    // What still moves comes first where there are too many.
    .sort((a, b) => Number(hasSettled(videos[a])) - Number(hasSettled(videos[b])))
    .slice(0, mostWatched)
    .sort()
    .join(',')
  useEffect(() => {
    if (key === '') return
    return watchVideos(key.split(','), {
      onVideo: accept,
      onRemoved: id => setRemoved(known => new Set(known).add(id)),
    })
  }, [key, accept])

  return { videos, removed, accept }
}

/** Whether nothing more will happen to it unless somebody asks. */
export function hasSettled(video: Video | undefined): boolean {
  return video?.status === 'ready' || video?.status === 'failed' || video?.status === 'cancelled'
}
