'use client'
// One video on its stage: poster until a frame is drawn, tap to play or pause, what went wrong.
// Whoever shows it decides whether it plays and lays its own controls over it.
import { type ReactNode, useEffect, useRef } from 'react'
import { Poster } from '#app/player/poster.tsx'
import { useSoundOn } from '#app/player/sound.ts'
import { TapArea } from '#app/player/tap-area.tsx'
import { type Playback, usePlayer } from '#app/player/use-player.ts'
import type { Video } from '#app/video.ts'
import styles from './player.module.css'

interface PlayerProps {
  video: Video
  isPlaying: boolean
  isUrgent?: boolean
  onToggle(): void
  onBlocked(): void
  /** it has drawn a picture, or cannot; false when it goes */
  onSettled?(isSettled: boolean): void
  onLike?(): void
  /** again from the start */
  onRetry(): void
  controls?: (playback: Playback) => ReactNode
}

export function Player({ video, isPlaying, isUrgent, onRetry, controls, ...acts }: PlayerProps) {
  const holder = useRef<HTMLDivElement>(null)
  const isMuted = !useSoundOn()
  const { onBlocked } = acts
  const playback = usePlayer(holder, video, { isPlaying, isMuted, onBlocked })
  const isSettled = playback.hasDrawn || playback.hasFailed
  const tellSettled = useRef(acts.onSettled)
  tellSettled.current = acts.onSettled
  useEffect(() => {
    if (!isSettled) return
    tellSettled.current?.(true)
    return () => tellSettled.current?.(false)
  }, [isSettled])

  // VHS asks again later and later: with the network back, at once.
  const needsRetry = playback.hasFailed || !playback.hasDrawn
  const retry = useRef(onRetry)
  retry.current = onRetry
  useEffect(() => {
    if (!needsRetry) return
    const again = () => retry.current()
    window.addEventListener('online', again)
    return () => window.removeEventListener('online', again)
  }, [needsRetry])

  return (
    <>
      <div ref={holder} className={styles.holder} />
      <Poster video={video} isUrgent={isUrgent ?? false} isHidden={playback.hasDrawn} />
      {playback.hasFailed ? (
        <Failure isPlaying={isPlaying} onRetry={onRetry} />
      ) : (
        <>
          {isPlaying && (playback.isStalled || !playback.hasDrawn) && (
            <div className={styles.stalled} aria-hidden="true" />
          )}
          <TapArea isPlaying={isPlaying} onToggle={acts.onToggle} onLike={acts.onLike} />
          {controls?.(playback)}
        </>
      )}
    </>
  )
}

function Failure({ isPlaying, onRetry }: { isPlaying: boolean; onRetry(): void }) {
  return (
    // Not announced of videos that load ahead and are not on screen yet.
    <div className={styles.failure} role={isPlaying ? 'alert' : undefined}>
      <p>This video could not be played. The connection may have dropped.</p>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}
