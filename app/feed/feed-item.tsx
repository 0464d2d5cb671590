'use client'
// One video of the feed: its stage and its words. Has a player only while the feed gives it one.
import Link from 'next/link'
import { useState } from 'react'
import { VideoFacts } from '#app/feed/video-facts.tsx'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { Overlay } from '#app/player/overlay.tsx'
import { BigPlay, Player } from '#app/player/player.tsx'
import { Poster } from '#app/player/poster.tsx'
import type { Video } from '#app/video.ts'
import playerStyles from '../player/player.module.css'
import styles from './feed.module.css'

interface FeedItemProps {
  video: Video
  index: number
  isActive: boolean
  hasPlayer: boolean
  isPlaying: boolean
  onToggle(): void
  onBlocked(): void
}

export function FeedItem({
  video,
  index,
  isActive,
  hasPlayer,
  isPlaying,
  onToggle,
  onBlocked,
}: FeedItemProps) {
  const [attempt, setAttempt] = useState(0)
  const titleId = `title-${video.id}`
  const isPortrait = (video.height ?? 16) > (video.width ?? 9)
  const overlay = (player: VideoJsPlayer | null) => (
    <Overlay video={video} player={player} isActive={isActive} layout="feed" />
  )
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
        {hasPlayer ? (
          <Player
            key={attempt}
            video={video}
            isPlaying={isPlaying}
            loops
            onToggle={onToggle}
            onBlocked={onBlocked}
            onRetry={() => setAttempt(attempt + 1)}
            controls={({ player }) => overlay(player)}
          />
        ) : (
          <>
            <Poster video={video} isUrgent={index === 0} />
            <button type="button" className={playerStyles.tap} aria-label="Play" onClick={onToggle}>
              {isActive && <BigPlay />}
            </button>
            {isActive && overlay(null)}
          </>
        )}
      </div>
      <div className={styles.words} data-foot>
        <h2 id={titleId}>
          <Link href={`/v/${video.id}`} prefetch={false}>
            <bdi>{video.title}</bdi>
          </Link>
        </h2>
        <VideoFacts video={video} />
      </div>
    </article>
  )
}
