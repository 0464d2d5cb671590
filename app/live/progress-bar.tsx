// A progress bar that screen readers know as one.
import styles from './progress-bar.module.css'

interface ProgressBarProps {
  label: string
  /** 0 to 1; null when it cannot be told yet */
  value: number | null
  isStill?: boolean
}

export function ProgressBar({ label, value, isStill = false }: ProgressBarProps) {
  const percent = value === null ? undefined : Math.round(Math.min(1, Math.max(0, value)) * 100)
  return (
    <div
      className={styles.track}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      data-still={isStill || undefined}
    >
      <div
        className={percent === undefined ? styles.unknown : styles.fill}
        style={percent === undefined ? undefined : { transform: `scaleX(${percent / 100})` }}
      />
    </div>
  )
}
