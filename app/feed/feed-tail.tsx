// Under the last video: that more is coming, why it is not, or that this was all.
import styles from './feed.module.css'

// A feed has articles and nothing else.
const LABEL = 'End of what is loaded'

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
      <article className={styles.tail} aria-label={LABEL}>
        <p role="alert">{problem}</p>
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      </article>
    )
  }
  if (isLoading) {
    return (
      <article className={styles.tail} aria-label={LABEL}>
        <p role="status">Loading more videos</p>
      </article>
    )
  }
  if (!hasEnded) return null
  return (
    <article className={styles.tail} aria-label={LABEL}>
      <p>That was all there is, for now.</p>
      <button type="button" className="button quiet" onClick={onTop}>
        Back to the top
      </button>
    </article>
  )
}
