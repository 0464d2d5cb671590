// Under the last video: that more is coming, or why it is not.
import styles from './feed.module.css'

interface FeedTailProps {
  isLoading: boolean
  problem: string | null
  onRetry(): void
}

export function FeedTail({ isLoading, problem, onRetry }: FeedTailProps) {
  if (problem) {
    return (
      <div className={styles.tail} role="alert">
        <p>{problem}</p>
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      </div>
    )
  }
  if (isLoading) {
    return (
      <div className={styles.tail} role="status">
        <p>Loading more videos</p>
      </div>
    )
  }
  return null
}
