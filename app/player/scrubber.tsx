'use client'
// Where the video is, and a way to go elsewhere in it: over the place that a hand is at, or the keys, the
// storyboard's picture of it.
import { type ChangeEvent, type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react'
import { clock, lengthClock } from '#app/live/words.ts'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { reachOf } from '#app/player/follow-video.ts'
import { ScrubberPreview } from '#app/player/scrubber-preview.tsx'
import { useStoryboard } from '#app/player/storyboard.ts'
import type { Video } from '#app/video.ts'
import styles from './scrubber.module.css'

const STEP = 0.1
// At the very edge of what is there is no picture yet.
const EDGE_SECONDS = 0.5
const EVENTS = ['timeupdate', 'seeking', 'ended', 'durationchange', 'progress', 'loadstart']
// The thumb's middle does not reach the ends of the input: see --thumb.
const THUMB_PX = 14

interface ScrubberProps {
  player: VideoJsPlayer | null
  video: Video
}

export function Scrubber({ player, video }: ScrubberProps) {
  const { seconds, reach } = useProgress(player)
  // The API's: a playlist that still grows has none of its own.
  const length = video.durationSeconds ?? knownDuration(player)
  const known = length ?? 0
  // What is measured may be a little less than what was declared.
  const there = reach === null || reach > known - 1 ? known : reach
  const last = there < known ? Math.max(there - EDGE_SECONDS, 0) : known

  const hand = useHand(target => player?.currentTime(Math.min(target, last)))
  const tiles = useStoryboard(video.storyboardUrl, hand.isNear)
  if (!length) return null
  const at = hand.dragged ?? Math.min(seconds, length)
  const place = `${clock(at)} of ${lengthClock(length)}`
  const previewed = hand.dragged ?? hand.hovered ?? (hand.usesKeys ? at : null)
  return (
    <div className={styles.scrubber}>
      <div className={styles.slider} data-previews={previewed !== null || undefined}>
        {previewed !== null && (
          <ScrubberPreview seconds={Math.min(previewed, last)} length={length} tiles={tiles} />
        )}
        <input
          type="range"
          aria-label="Position"
          aria-valuetext={
            there < length ? `${place}, the first ${clock(Math.round(there))} can be played so far` : place
          }
          min={0}
          max={length}
          step={STEP}
          value={atStep(at)}
          style={{ '--done': at / length, '--there': there / length }}
          {...hand.handlers}
        />
      </div>
    </div>
  )
}

function useProgress(player: VideoJsPlayer | null) {
  const [progress, setProgress] = useState<{ seconds: number; reach: number | null }>({
    seconds: 0,
    reach: null,
  })
  useEffect(() => {
    if (!player) return
    const follow = () => setProgress({ seconds: player.currentTime() ?? 0, reach: reachOf(player) })
    follow()
    player.on(EVENTS, follow)
    return () => player.off(EVENTS, follow)
  }, [player])
  return progress
}

/**
 * A hand over the slider, or keys on it. While it drags, only the preview moves: each seek on the way would
 * cost a segment, and none of them is meant.
 */
function useHand(seek: (seconds: number) => void) {
  const [hovered, setHovered] = useState<number | null>(null)
  const [dragged, setDragged] = useState<number | null>(null)
  const [usesKeys, setUsesKeys] = useState(false)
  const [isNear, setNear] = useState(false)
  const isPressed = useRef(false)

  function release() {
    isPressed.current = false
    if (dragged !== null) seek(dragged)
    setDragged(null)
  }
  function leave() {
    setHovered(null)
    setUsesKeys(false)
  }
  const handlers = {
    onPointerEnter: () => setNear(true),
    onPointerDown() {
      isPressed.current = true
      setNear(true)
      setUsesKeys(false)
    },
    onPointerMove(event: PointerEvent<HTMLInputElement>) {
      if (event.pointerType === 'mouse') setHovered(secondsUnder(event))
    },
    onPointerUp: release,
    // The page was scrolled instead.
    onPointerCancel() {
      isPressed.current = false
      setDragged(null)
    },
    onPointerLeave: () => setHovered(null),
    onFocus: () => setNear(true),
    onBlur: leave,
    onKeyDown: ({ key }: KeyboardEvent) => key !== 'Tab' && setUsesKeys(true),
    onChange(event: ChangeEvent<HTMLInputElement>) {
      const target = Number(event.target.value)
      if (isPressed.current) setDragged(target)
      else seek(target)
    },
  }
  return { hovered, dragged, usesKeys, isNear, handlers }
}

function secondsUnder({ clientX, currentTarget }: PointerEvent<HTMLInputElement>): number {
  const { left, width } = currentTarget.getBoundingClientRect()
  const share = (clientX - left - THUMB_PX / 2) / (width - THUMB_PX)
  return Math.min(1, Math.max(0, share)) * Number(currentTarget.max)
}

/** The browser rounds to steps: what React does not know of it takes for another wish, to go back there. */
function atStep(seconds: number): number {
  return Number((Math.floor(seconds / STEP) * STEP).toFixed(1))
}

function knownDuration(player: VideoJsPlayer | null): number | null {
  const duration = player?.duration()
  return duration !== undefined && Number.isFinite(duration) ? duration : null
}
