'use client'
// The player of a video's own page, with its controls and keys.
import { useState } from 'react'
import { Overlay } from '#app/player/overlay.tsx'
import { Player } from '#app/player/player.tsx'
import { useAutoplayAllowed } from '#app/player/use-autoplay-allowed.ts'
import { useShortcuts } from '#app/player/use-shortcuts.ts'
import type { Video } from '#app/video.ts'
import styles from './watch.module.css'

export function Theatre({ video }: { video: Video }) {
  const autoplays = useAutoplayAllowed()
  const [choice, setChoice] = useState<boolean | null>(null)
  const [attempt, setAttempt] = useState(0)
  const isPlaying = choice ?? autoplays
  const toggle = () => setChoice(!isPlaying)
  useShortcuts(true, 'page', { toggle })
  return (
    <div
      className={styles.theatre}
      data-video-id={video.id}
      data-full-screen
      data-paused={!isPlaying || undefined}
    >
      <Player
        key={attempt}
        video={video}
        isPlaying={isPlaying}
        loops
        onToggle={toggle}
        onBlocked={() => setChoice(false)}
        onRetry={() => setAttempt(attempt + 1)}
        controls={({ player }) => <Overlay video={video} player={player} isActive layout="page" />}
      />
    </div>
  )
}
