'use client'
// What a video has come past and when, for the one who uploaded it: this browser remembers that.
import { Fragment, useEffect, useState } from 'react'
import { callApi, ProblemError } from '#app/live/api-client.ts'
import { useOwnUpload } from '#app/upload/use-own-upload.ts'
import type { Milestone, Video } from '#app/video.ts'
import { describeSpan, type Step, stepsOf } from './steps.ts'
import styles from './timeline.module.css'

export function Timeline({ video }: { video: Video }) {
  const isOwn = useOwnUpload(video.id)
  return isOwn && <OwnTimeline video={video} />
}

function OwnTimeline({ video }: { video: Video }) {
  const steps = stepsOf(useMilestones(video))
  // As it was when the page came: nothing folds under somebody's eyes.
  const [isOpen, setOpen] = useState(video.status !== 'ready')
  const [first] = steps
  if (!first) return null
  return (
    <details className={styles.timeline} open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>
        <span>{steps.filter(step => step === first || step.isMain).map(summarize)}</span>
      </summary>
      <ol aria-label="What happened to this video">
        {steps.map(step => (
          <li key={`${step.at} ${step.label}`} data-main={step.isMain || undefined}>
            <span>{step.label}</span>
            <span className={styles.span}>{step !== first && describeSpan(step.afterSeconds)}</span>
            <time dateTime={step.at}>{timeOf(step)}</time>
          </li>
        ))}
      </ol>
    </details>
  )
}

function summarize(step: Step, index: number) {
  const when = index === 0 ? timeOf(step) : `after ${describeSpan(step.afterSeconds)}`
  return (
    <Fragment key={step.label}>
      {index > 0 && '\u00a0· '}
      <span className={styles.part}>{`${step.label} ${when}`}</span>
    </Fragment>
  )
}

const timeOfDay = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

function timeOf({ at }: Step): string {
  return timeOfDay.format(new Date(at))
}

/** Read again whenever the video has come past one more. */
function useMilestones({ id, stage, status, playable, durationSeconds }: Video): Milestone[] {
  const [milestones, setMilestones] = useState<Milestone[]>([])
  const state = [stage, status, playable, durationSeconds].join()
  useEffect(() => {
    const stopping = new AbortController()
    callApi<Milestone[]>(`/api/videos/${id}/events`, { signal: stopping.signal }).then(
      setMilestones,
      error => {
        // The next milestone, or the next visit, asks again.
        if (!stopping.signal.aborted && !(error instanceof ProblemError)) throw error
      },
    )
    return () => stopping.abort()
  }, [id, state])
  return milestones
}
