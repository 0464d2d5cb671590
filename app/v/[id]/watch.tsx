'use client'
// A video's page: the player as soon as there is something to play, until then how far it is.
import Link from 'next/link'
import { useRef } from 'react'
import { VideoFacts } from '#app/feed/video-facts.tsx'
import { FilmIcon } from '#app/icons.tsx'
import { LiveStatus } from '#app/live/live-status.tsx'
import { useFocusKeeper } from '#app/live/use-focus-keeper.ts'
import { hasSettled, useVideos } from '#app/live/use-videos.ts'
import { useWorkerMissing } from '#app/live/use-worker-missing.ts'
import { Message } from '#app/message.tsx'
import { Poster } from '#app/player/poster.tsx'
import { useOwnUpload } from '#app/upload/use-own-upload.ts'
import type { Video } from '#app/video.ts'
import { Theatre } from './theatre.tsx'
import { Timeline } from './timeline.tsx'
import styles from './watch.module.css'

export function Watch({ initial }: { initial: Video }) {
  const live = useVideos([initial.id], [initial])
  const video = live.videos[initial.id] ?? initial
  const isWorkerMissing = useWorkerMissing(!hasSettled(video) && video.status !== 'uploading')

  const isOwn = useOwnUpload(initial.id)
  const page = useRef<HTMLDivElement>(null)
  useFocusKeeper(() => page.current)

  if (live.removed.has(initial.id)) {
    return (
      <div ref={page}>
        <Deleted />
      </div>
    )
  }
  // Nothing to see and nothing to wait for: no empty stage then, only the words.
  const hasStopped = !video.playable && (video.status === 'failed' || video.status === 'cancelled')
  const isPortrait = !hasStopped && (video.height ?? 0) > (video.width ?? 1)
  return (
    <div
      ref={page}
      className={styles.watch}
      data-portrait={isPortrait || undefined}
      style={{ '--ratio': (video.width ?? 16) / (video.height ?? 9) }}
    >
      {!hasStopped && (
        <div className={styles.stage}>
          {video.playable ? <Theatre video={video} /> : <Curtain video={video} />}
        </div>
      )}
      <div className={styles.words}>
        <h1>
          <bdi>{video.title}</bdi>
        </h1>
        {video.playable && <VideoFacts video={video} />}
        {isOwn && (
          <Link href={`/edit/${video.id}`} className={`button quiet ${styles.edit}`}>
            Edit
          </Link>
        )}
        <LiveStatus
          video={video}
          isWorkerMissing={isWorkerMissing}
          canCancel={isOwn}
          onChange={live.accept}
          chooseOther={
            <Link href="/upload" className="button quiet">
              Choose another file
            </Link>
          }
        />
        <Timeline video={video} />
      </div>
    </div>
  )
}

/** The stage before the play: as large as it will be, so that nothing moves when it begins. */
function Curtain({ video }: { video: Video }) {
  return (
    <>
      <div className={styles.curtain}>
        <FilmIcon />
      </div>
      <Poster video={video} isUrgent />
    </>
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
