'use client'
// To the previous and the next video with a mouse; on a touch screen people swipe.
import { DownIcon, UpIcon } from '#app/icons.tsx'
import styles from './feed.module.css'

interface FeedStepsProps {
  hasPrevious: boolean
  hasNext: boolean
  onPrevious(): void
  onNext(): void
}

export function FeedSteps({ hasPrevious, hasNext, onPrevious, onNext }: FeedStepsProps) {
  return (
    <div className={styles.steps}>
      <button
        type="button"
        aria-label="Previous video"
        title="Previous (k)"
        disabled={!hasPrevious}
        onClick={onPrevious}
      >
        <UpIcon />
      </button>
      <button type="button" aria-label="Next video" title="Next (j)" disabled={!hasNext} onClick={onNext}>
        <DownIcon />
      </button>
    </div>
  )
}
