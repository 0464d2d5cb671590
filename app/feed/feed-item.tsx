'use client'
// One video of the feed: its stage and its words. Has a player only while the feed gives it one, and
// far from the screen nothing but its words.
import { memo, useState } from 'react'
import { Details, LiveLine } from '#app/feed/details.tsx'
import { DetailsSheet } from '#app/feed/details-sheet.tsx'
import { VideoFacts } from '#app/feed/video-facts.tsx'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { setLiked } from '#app/player/like.ts'
import { Overlay } from '#app/player/overlay.tsx'
import { Player } from '#app/player/player.tsx'
import { Poster } from '#app/player/poster.tsx'
import { BigPlay } from '#app/player/tap-area.tsx'
import type { Video } from '#app/video.ts'
import playerStyles from '../player/player.module.css'
import styles from './feed.module.css'

interface FeedItemProps {
  video: Video
  index: number
  isActive: boolean
  isNear: boolean
  hasPlayer: boolean
  isPlaying: boolean
  /** there is room beside the picture */
  isWide: boolean
  isWorkerMissing: boolean
  onToggle(index: number): void
  onBlocked(videoId: string): void
  onSettled(videoId: string, isSettled: boolean): void
  onChange(video: Video): void
}

export const FeedItem = memo(function FeedItem(props: FeedItemProps) {
  const { video, index, isActive, isNear, isWide, onChange, isWorkerMissing } = props
  const titleId = `title-${video.id}`
  const isPortrait = (video.height ?? 16) > (video.width ?? 9)
  const details = <Details video={video} isWorkerMissing={isWorkerMissing} onChange={onChange} />
  return (
    <article
      className={styles.item}
      data-video-id={video.id}
      data-index={index}
      data-active={isActive || undefined}
      aria-labelledby={titleId}
      aria-posinset={index + 1}
      aria-setsize={-1}
      style={{ '--ratio': (video.width ?? 9) / (video.height ?? 16) }}
    >
      <div className={styles.stage} data-portrait={isPortrait || undefined}>
        {isNear && <Stage {...props} />}
      </div>
      <div className={styles.words} data-foot>
        <h2 id={titleId}>
          <bdi>{video.title}</bdi>
        </h2>
        <VideoFacts video={video} />
        {isActive && (
          <>
            <LiveLine video={video} />
            {isWide ? (
              <div className={styles.beside}>{details}</div>
            ) : (
              <DetailsSheet video={video}>{details}</DetailsSheet>
            )}
          </>
        )}
      </div>
    </article>
  )
})

function Stage({ video, index, isActive, hasPlayer, isPlaying, ...acts }: FeedItemProps) {
  const [attempt, setAttempt] = useState(0)
  const toggle = () => acts.onToggle(index)
  // Only over the one on screen: what it has is much, and screen readers meet it once.
  const overlay = (player: VideoJsPlayer | null) => isActive && <Overlay video={video} player={player} />
  if (!hasPlayer) {
    return (
      <>
        <Poster video={video} isUrgent={index === 0} />
        <button type="button" className={playerStyles.tap} aria-label="Play" onClick={toggle}>
          {isActive && <BigPlay />}
        </button>
        {overlay(null)}
      </>
    )
  }
  return (
    <Player
      key={attempt}
      video={video}
      isPlaying={isPlaying}
      isUrgent={index === 0}
      onToggle={toggle}
      onBlocked={() => acts.onBlocked(video.id)}
      onSettled={isSettled => acts.onSettled(video.id, isSettled)}
      onLike={() => void setLiked(video, true)}
      onRetry={() => setAttempt(attempt + 1)}
      controls={({ player }) => overlay(player)}
    />
  )
}
