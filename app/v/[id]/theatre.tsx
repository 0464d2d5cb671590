'use client'
// The player of a video's own page, with its controls and keys.
import { useEffect, useRef, useState } from 'react'
import { FullScreenIcon } from '#app/icons.tsx'
import { CaptionsControl } from '#app/player/captions-control.tsx'
import playerStyles from '#app/player/player.module.css'
import { Player } from '#app/player/player.tsx'
import { Scrubber } from '#app/player/scrubber.tsx'
import { toggleSound } from '#app/player/sound.ts'
import { hasSound, SoundButton } from '#app/player/sound-button.tsx'
import { useAutoplayAllowed } from '#app/player/use-autoplay-allowed.ts'
import type { Video } from '#app/video.ts'
import styles from './watch.module.css'

export function Theatre({ video }: { video: Video }) {
  const autoplays = useAutoplayAllowed()
  const [choice, setChoice] = useState<boolean | null>(null)
  const [attempt, setAttempt] = useState(0)
  const theatre = useRef<HTMLDivElement>(null)
  const isPlaying = choice ?? autoplays
  const toggle = () => setChoice(!isPlaying)
  const toggleFullScreen = () => theatre.current && switchFullScreen(theatre.current)
  const seek = (direction: -1 | 1) =>
    theatre.current && seekBy(theatre.current, direction, video.durationSeconds ?? Infinity)
  useTheatreKeys({
    ' ': toggle,
    k: toggle,
    m: toggleSound,
    f: toggleFullScreen,
    ArrowLeft: () => seek(-1),
    ArrowRight: () => seek(1),
  })

  return (
    <div
      ref={theatre}
      className={styles.theatre}
      data-video-id={video.id}
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
        controls={({ player }) => (
          <div className={styles.controls}>
            <Scrubber player={player} durationSeconds={video.durationSeconds} showsTimes />
            <CaptionsControl player={player} video={video} belowPx={68} />
            {hasSound(video) && <SoundButton />}
            <button
              type="button"
              className={playerStyles.control}
              aria-label="Full screen"
              title="Full screen (f)"
              onClick={toggleFullScreen}
            >
              <FullScreenIcon />
            </button>
          </div>
        )}
      />
    </div>
  )
}

function useTheatreKeys(actions: Record<string, () => void>) {
  const latest = useRef(actions)
  latest.current = actions

  useEffect(() => {
    function act(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      // Space presses a focused button or link, and opens a list; a list has its own letters and arrows.
      const target = event.target instanceof Element ? event.target : null
      if (target?.closest(event.key === ' ' ? 'button, a, select' : 'select')) return
      const action = latest.current[event.key]
      if (!action) return
      event.preventDefault()
      action()
    }
    window.addEventListener('keydown', act)
    return () => window.removeEventListener('keydown', act)
  }, [])
}

/** By five seconds, or by a tenth where that is less; not past what is there by now. */
function seekBy(theatre: HTMLElement, direction: -1 | 1, durationSeconds: number) {
  const video = theatre.querySelector('video')
  if (!video || video.seekable.length === 0) return
  const reach = video.seekable.end(video.seekable.length - 1)
  video.currentTime = Math.min(video.currentTime + direction * Math.min(5, durationSeconds / 10), reach)
}

/** The whole theatre, so that our controls come along; on an iPhone only the bare video can. */
function switchFullScreen(theatre: HTMLElement) {
  if (document.fullscreenElement) {
    void document.exitFullscreen()
  } else if (document.fullscreenEnabled) {
    void theatre.requestFullscreen()
  } else {
    const video: (HTMLVideoElement & { webkitEnterFullscreen?(): void }) | null =
      theatre.querySelector('video')
    video?.webkitEnterFullscreen?.()
  }
}
