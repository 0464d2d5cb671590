'use client'
// The picture as a button: a tap plays or pauses, two in quick succession say that one likes it.
import { useEffect, useRef, useState } from 'react'
import { HeartIcon, PlayIcon } from '#app/icons.tsx'
import styles from './player.module.css'

/** How long a tap that would pause waits for a second one. */
const SECOND_TAP_MS = 250

interface TapAreaProps {
  isPlaying: boolean
  onToggle(): void
  onLike?: (() => void) | undefined
}

export function TapArea({ isPlaying, onToggle, onLike }: TapAreaProps) {
  const pausing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const [hearts, setHearts] = useState(0)
  useEffect(() => () => clearTimeout(pausing.current), [])

  function tap(count: number) {
    clearTimeout(pausing.current)
    if (onLike && count > 1) {
      // The third one of a flurry likes no more than the second, and pauses nothing.
      onLike()
      setHearts(hearts + 1)
    } else if (onLike && isPlaying && count === 1) {
      pausing.current = setTimeout(onToggle, SECOND_TAP_MS)
    } else {
      // To play may need the gesture itself; a key (count 0) is never doubled.
      onToggle()
    }
  }

  return (
    <>
      <button
        type="button"
        className={styles.tap}
        aria-label={isPlaying ? 'Pause' : 'Play'}
        onClick={event => tap(event.detail)}
      >
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
