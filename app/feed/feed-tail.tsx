// Under the last video: that more is coming, why it is not, or that this was all.
import styles from './feed.module.css'

interface FeedTailProps {
  hasEnded: boolean
  isLoading: boolean
  problem: string | null
  onRetry(): void
  onTop(): void
}

export function FeedTail({ hasEnded, isLoading, problem, onRetry, onTop }: FeedTailProps) {
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
  if (!hasEnded) return null
  return (
    <div className={styles.tail}>
      <p>That was all there is, for now.</p>
      <button type="button" className="button quiet" onClick={onTop}>
        Back to the top
      </button>
    </div>
  )
}
