'use client'
// Where the video is, and a way to go elsewhere in it.
import { useEffect, useState } from 'react'
import { clock } from '#app/live/words.ts'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import { reachOf } from '#app/player/follow-video.ts'
import styles from './player.module.css'

const STEP = 0.1
// At the very edge of what is there is no picture yet.
const EDGE_SECONDS = 0.5
const EVENTS = ['timeupdate', 'seeking', 'ended', 'durationchange', 'progress']

interface ScrubberProps {
  player: VideoJsPlayer | null
  /** the API's: a playlist that still grows has none of its own */
  durationSeconds: number | null
  showsTimes?: boolean
}

export function Scrubber({ player, durationSeconds, showsTimes = false }: ScrubberProps) {
  const [seconds, setSeconds] = useState(0)
  const [reach, setReach] = useState<number | null>(null)

  useEffect(() => {
    if (!player) return
    const follow = () => {
      setSeconds(player.currentTime() ?? 0)
      setReach(reachOf(player))
    }
    player.on(EVENTS, follow)
    return () => player.off(EVENTS, follow)
  }, [player])

  const length = durationSeconds ?? knownDuration(player)
  if (!length) return null
  const at = Math.min(seconds, length)
  // What is measured may be a little less than what was declared.
  const there = reach === null || reach > length - 1 ? length : reach
  const last = there < length ? Math.max(there - EDGE_SECONDS, 0) : length
  const place = `${clock(at)} of ${clock(length)}`
  return (
    <div className={styles.scrubber}>
      {showsTimes && <span className={styles.time}>{clock(at)}</span>}
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
        style={{ '--done': `${(at / length) * 100}%`, '--there': `${(there / length) * 100}%` }}
        onChange={event => player?.currentTime(Math.min(Number(event.target.value), last))}
      />
      {showsTimes && <span className={styles.time}>{clock(length)}</span>}
    </div>
  )
}

/** The browser rounds to steps: what React does not know of it takes for another wish, to go back there. */
function atStep(seconds: number): number {
  return Number((Math.floor(seconds / STEP) * STEP).toFixed(1))
}

function knownDuration(player: VideoJsPlayer | null): number | null {
  const duration = player?.duration()
  return duration !== undefined && Number.isFinite(duration) ? duration : null
}
