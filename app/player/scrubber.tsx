'use client'
// Where the video is, and a way to go elsewhere in it.
import { useEffect, useState } from 'react'
import { clock } from '#app/live/words.ts'
import type { VideoJsPlayer } from '#app/player/create-player.ts'
import styles from './player.module.css'

interface ScrubberProps {
  player: VideoJsPlayer | null
  /** the API's: a playlist that still grows has none of its own */
  durationSeconds: number | null
  showsTimes?: boolean
}

export function Scrubber({ player, durationSeconds, showsTimes = false }: ScrubberProps) {
  const [seconds, setSeconds] = useState(0)

  useEffect(() => {
    if (!player) return
    const follow = () => setSeconds(player.currentTime() ?? 0)
    player.on(['timeupdate', 'seeking', 'ended'], follow)
    return () => player.off(['timeupdate', 'seeking', 'ended'], follow)
  }, [player])

  const length = durationSeconds ?? knownDuration(player)
  if (!length) return null
  const at = Math.min(seconds, length)
  return (
    <div className={styles.scrubber}>
      {showsTimes && <span className={styles.time}>{clock(at)}</span>}
      <input
        type="range"
        aria-label="Position"
        aria-valuetext={`${clock(at)} of ${clock(length)}`}
        min={0}
        max={length}
        step={0.1}
        value={at}
        style={{ '--done': `${(at / length) * 100}%` }}
        onChange={event => player?.currentTime(Number(event.target.value))}
      />
      {showsTimes && <span className={styles.time}>{clock(length)}</span>}
    </div>
  )
}

function knownDuration(player: VideoJsPlayer | null): number | null {
  const duration = player?.duration()
  return duration !== undefined && Number.isFinite(duration) ? duration : null
}
