'use client'
// What a screen reader hears while uploads run: the turns of the story, never the numbers.
import { useEffect, useRef, useState } from 'react'
import { canBeCancelled, type UploadRow } from '#app/upload/upload-row.ts'
import type { Video } from '#app/video.ts'

export function useAnnouncements(
  rows: readonly UploadRow[],
  videos: Record<string, Video | undefined>,
): string {
  const told = useRef(new Map<string, string>())
  const before = useRef<readonly UploadRow[]>([])
  const [announcement, setAnnouncement] = useState('')

  useEffect(() => {
    const news: string[] = []
    for (const row of rows) {
      const video = row.phase === 'sent' && row.videoId ? videos[row.videoId] : undefined
      const sentence = sayState(row, video)
      const id = row.videoId ?? row.key
      if (sentence !== null && told.current.get(id) !== sentence) news.push(`${row.title}: ${sentence}`)
      if (sentence !== null) told.current.set(id, sentence)
    }
    for (const row of before.current) {
      const isGone = !rows.some(({ key, fileId }) => key === row.key || (fileId && fileId === row.fileId))
      if (isGone) news.push(`${row.title}: ${canBeCancelled(row) ? 'cancelled' : 'removed from the list'}`)
    }
    before.current = rows
    // Some sentences are the server's, with their full stop.
    if (news.length > 0) setAnnouncement(news.map(item => item.replace(/\.$/, '')).join('. '))
  }, [rows, videos])

  return announcement
}

/** null where the state is on the way from one that was told to the next */
function sayState(row: UploadRow, video: Video | undefined): string | null {
  switch (row.phase) {
    case 'sending':
      return row.sentBytes > 0 ? 'uploading' : null
    case 'waiting':
      return row.trouble === 'server'
        ? 'the server has a problem, trying again'
        : 'connection lost, will continue by itself'
    case 'paused':
      return 'paused'
    case 'refused':
      return row.problem?.detail ?? 'not uploaded'
    case 'elsewhere':
      return 'being uploaded in another tab'
    case 'unfinished':
      return 'not finished, choose the file again to continue'
    case 'sent':
      return video ? sayVideo(video) : null
    default:
      return row.phase satisfies never
  }
}

function sayVideo(video: Video): string {
  if (video.status === 'failed') return video.error?.message ?? 'could not be processed'
  if (video.status === 'cancelled') return 'cancelled'
  return video.playable ? 'ready to watch' : 'uploaded, now being processed'
}
