'use client'
// The page of a video that cannot be played: how far it is, or why it stopped. As soon as there is
// something to play, the feed opens in its place.
import { useRef } from 'react'
import { Details } from '#app/feed/details.tsx'
import { Feed } from '#app/feed/feed.tsx'
import { FilmIcon } from '#app/icons.tsx'
import { useFocusKeeper } from '#app/live/use-focus-keeper.ts'
import { hasSettled, useVideos } from '#app/live/use-videos.ts'
import { useWorkerMissing } from '#app/live/use-worker-missing.ts'
import { Message } from '#app/message.tsx'
import { Poster } from '#app/player/poster.tsx'
import { Link } from '#app/ui/link.tsx'
import type { Video, VideoPage } from '#app/video.ts'
import styles from './watch.module.css'

/** @param page the video, and what the feed goes on with */
export function Watch({ page }: { page: VideoPage }) {
  const [initial, ...rest] = page.items
  const ids = initial ? [initial.id] : []
  const live = useVideos(ids, page.items.slice(0, 1))
  const video = (initial && live.videos[initial.id]) ?? initial
  const isWorkerMissing = useWorkerMissing(!hasSettled(video) && video?.status !== 'uploading')
  const home = useRef<HTMLDivElement>(null)
  useFocusKeeper(() => home.current)

  if (!video || live.removed.has(video.id)) {
    return (
      <div ref={home}>
        <Deleted />
      </div>
    )
  }
  if (video.playable) {
    return (
      <div ref={home}>
        <Feed firstPage={{ items: [video, ...rest], nextCursor: page.nextCursor }} />
      </div>
    )
  }
  return (
    <div ref={home}>
      <Progress video={video} isWorkerMissing={isWorkerMissing} onChange={live.accept} />
    </div>
  )
}

interface ProgressProps {
  video: Video
  isWorkerMissing: boolean
  onChange(video: Video): void
}

function Progress({ video, isWorkerMissing, onChange }: ProgressProps) {
  // Nothing to see and nothing to wait for: no empty stage then, only the words.
  const hasStopped = video.status === 'failed' || video.status === 'cancelled'
  const isPortrait = !hasStopped && (video.height ?? 0) > (video.width ?? 1)
  return (
    <div
      className={styles.watch}
      data-portrait={isPortrait || undefined}
      style={{ '--ratio': (video.width ?? 16) / (video.height ?? 9) }}
    >
      {!hasStopped && (
        <div className={styles.stage}>
          <div className={styles.curtain}>
            <FilmIcon />
          </div>
          <Poster video={video} isUrgent />
        </div>
      )}
      <div className={styles.words}>
        <h1>
          <bdi>{video.title}</bdi>
        </h1>
        <Details video={video} isWorkerMissing={isWorkerMissing} onChange={onChange} />
      </div>
    </div>
  )
}

function Deleted() {
  return (
    <Message
      title="This video was deleted"
      sign={<FilmIcon />}
      actions={
        <Link href="/" className="button">
          Go to the feed
        </Link>
      }
    >
      <p role="alert">It is gone for everyone, and was taken out of the feed.</p>
    </Message>
  )
}
