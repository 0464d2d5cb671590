'use client'
// One video on its stage: poster until a frame is drawn, tap to play or pause, what went wrong.
// Whoever shows it decides whether it plays and lays its own controls over it.
import { type ReactNode, useRef } from 'react'
import { PlayIcon } from '#app/icons.tsx'
import { Poster } from '#app/player/poster.tsx'
import { useSoundOn } from '#app/player/sound.ts'
import { type Playback, usePlayer } from '#app/player/use-player.ts'
import type { Video } from '#app/video.ts'
import styles from './player.module.css'

interface PlayerProps {
  video: Video
  isPlaying: boolean
  loops?: boolean
  onToggle(): void
  onBlocked(): void
  /** again from the start, with a new player */
  onRetry(): void
  controls?: (playback: Playback) => ReactNode
}

export function Player({
  video,
  isPlaying,
  loops = false,
  onToggle,
  onBlocked,
  onRetry,
  controls,
}: PlayerProps) {
  const holder = useRef<HTMLDivElement>(null)
  const isMuted = !useSoundOn()
  const playback = usePlayer(holder, video, { isPlaying, isMuted, loops, onBlocked })

  if (playback.hasFailed) {
    return (
      // Not announced of the feed's next video, which loads ahead and is not on screen yet.
      <div className={styles.failure} role={isPlaying ? 'alert' : undefined}>
        <p>This video could not be played. The connection may have dropped.</p>
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      </div>
    )
  }
  return (
    <>
      <div ref={holder} className={styles.holder} />
      <Poster video={video} isHidden={playback.hasDrawn} />
      {playback.isStalled && isPlaying && <div className={styles.stalled} aria-hidden="true" />}
      <button
        type="button"
        className={styles.tap}
        aria-label={isPlaying ? 'Pause' : 'Play'}
        onClick={onToggle}
      >
        {!isPlaying && <BigPlay />}
      </button>
      {controls?.(playback)}
    </>
  )
}

export function BigPlay() {
  return (
    <span className={styles.bigPlay}>
      <PlayIcon />
    </span>
  )
}
