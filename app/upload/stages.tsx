// The three turns of an upload's story, as signs beside the words that say the same.
import { CheckIcon } from '#app/icons.tsx'
import styles from './upload.module.css'

interface StagesProps {
  isSent: boolean
  isPlayable: boolean
  isReady: boolean
}

export function Stages({ isSent, isPlayable, isReady }: StagesProps) {
  const stages = [
    { name: 'Upload', isDone: isSent },
    { name: 'Watchable', isDone: isPlayable },
    { name: 'All qualities', isDone: isReady },
  ]
  const now = stages.findIndex(({ isDone }) => !isDone)
  return (
    <div className={styles.stages} aria-hidden="true">
      {stages.map(({ name, isDone }, index) => (
        <span key={name} data-done={isDone || undefined} data-now={index === now || undefined}>
          <i>{isDone && <CheckIcon />}</i>
          {name}
        </span>
      ))}
    </div>
  )
}
