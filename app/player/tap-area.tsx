'use client'
// The picture as a button: a tap plays or pauses, two in quick succession say that one likes it.
import { type MouseEvent, useEffect, useRef, useState } from 'react'
import { HeartIcon, PlayIcon } from '#app/icons.tsx'
import styles from './player.module.css'

/** How long a tap that would pause waits for a second one: what phones take for one gesture. */
const SECOND_TAP_MS = 300

interface TapAreaProps {
  isPlaying: boolean
  onToggle(): void
  onLike?: (() => void) | undefined
}

export function TapArea({ isPlaying, onToggle, onLike }: TapAreaProps) {
  const pausing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const tappedAt = useRef(Number.NEGATIVE_INFINITY)
  const [hearts, setHearts] = useState(0)
  useEffect(() => () => clearTimeout(pausing.current), [])

  // The browser's own count goes on for half a second: a tap after a pause would be a second one for it.
  function tap({ detail, timeStamp }: MouseEvent) {
    const isKey = detail === 0
    const isSecond = !isKey && timeStamp - tappedAt.current < SECOND_TAP_MS
    if (!isKey) tappedAt.current = timeStamp
    clearTimeout(pausing.current)
    if (onLike && isSecond) {
      // The third one of a flurry likes no more than the second, and pauses nothing.
      onLike()
      setHearts(hearts + 1)
    } else if (onLike && isPlaying && !isKey) {
      pausing.current = setTimeout(onToggle, SECOND_TAP_MS)
    } else {
      // To play may need the gesture itself; a key is never doubled.
      onToggle()
    }
  }

  return (
    <>
      <button type="button" className={styles.tap} aria-label={isPlaying ? 'Pause' : 'Play'} onClick={tap}>
        {!isPlaying && <BigPlay />}
      </button>
      {hearts > 0 && (
        <span key={hearts} className={styles.heart} aria-hidden="true">
          <HeartIcon />
        </span>
      )}
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
