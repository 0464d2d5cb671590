'use client'
// How far a video is, or why it stopped and what to do about it. For the upload list and /v/:id.
import { type ReactNode, useRef, useState } from 'react'
import { callApi, ProblemError } from '#app/live/api-client.ts'
import { ProgressBar } from '#app/live/progress-bar.tsx'
import { calmer, describeMissing, describeStage, describeTimeLeft, hasLostSound } from '#app/live/words.ts'
import { useOwnUpload } from '#app/upload/use-own-upload.ts'
import type { Video } from '#app/video.ts'
import styles from './live-status.module.css'

interface LiveStatusProps {
  video: Video
  isWorkerMissing: boolean
  /** takes the answer of an action, before the event stream tells */
  onChange(video: Video): void
  /** only for the uploader: a video's page is open to everyone */
  canCancel?: boolean
  /** how to choose another file, once this one has stopped */
  chooseOther: ReactNode
}

export function LiveStatus(props: LiveStatusProps) {
  const { video } = props
  switch (video.status) {
    case 'uploading':
    case 'queued':
    case 'processing':
      return <Underway {...props} />
    case 'failed': {
      const { error } = video
      return (
        <Stopped {...props} canRetry={error?.retryable ?? true}>
          <p className="notice danger">
            {error?.message ?? 'Something went wrong while this video was being processed.'}
          </p>
          {error && (
            <p className={styles.small}>
              Error code: <code>{error.code}</code>
            </p>
          )}
        </Stopped>
      )
    }
    case 'cancelled':
      return (
        <Stopped {...props} canRetry>
          <p className={styles.small}>Processing was cancelled. The uploaded file is still there.</p>
        </Stopped>
      )
    case 'ready':
      return (
        <>
          {hasLostSound(video) && (
            <p className={styles.small}>The sound could not be decoded: the video plays silent.</p>
          )}
          <Missing {...props} />
        </>
      )
    default:
      return video.status satisfies never
  }
}

function Underway({ video, isWorkerMissing, onChange, canCancel = false }: LiveStatusProps) {
  const action = useVideoAction(video.id, onChange)
  const percent = Math.round(video.progress * 100)
  // A first rung that plays waits for its ladder like others.
  const isWaiting = video.status !== 'processing' || (video.playable && percent === 0)
  const told = useRef<number | null>(null)
  // Before the file was looked at, it would be that of any video.
  told.current = video.durationSeconds === null ? null : calmer(told.current, video.etaSeconds)
  const facts = [percent > 0 && `${percent} %`, told.current !== null && describeTimeLeft(told.current)]
  return (
    <div className={styles.status}>
      <div className={styles.line}>
        <span>{describeStage(video)}</span>
        <span className={styles.small}>{facts.filter(Boolean).join(' · ')}</span>
      </div>
      <ProgressBar label={`Processing ${video.title}`} value={video.progress} isStill={isWaiting} />
      {isWorkerMissing && (
        <p className="notice" role="status">
          No worker is running. Your video is safe and will be processed when one starts.
        </p>
      )}
      {canCancel && video.status !== 'uploading' && !video.playable && (
        <button
          type="button"
          className={styles.bare}
          disabled={action.isBusy}
          onClick={() => action.run('cancel')}
        >
          {action.isBusy ? 'Cancelling' : 'Cancel processing'}
        </button>
      )}
      {action.problem && <p className="notice danger">{action.problem}</p>}
    </div>
  )
}

/** What the video plays without, for the one who uploaded it. */
function Missing({ video, onChange }: LiveStatusProps) {
  const action = useVideoAction(video.id, onChange)
  const [isAsked, setAsked] = useState(false)
  const isOwn = useOwnUpload(video.id)
  const missing = describeMissing(video)
  if (!isOwn || !missing) return null
  return (
    <div className={styles.status} role="status">
      <p className="notice">
        {missing} {isAsked && 'It is tried again, and comes by itself once it is made.'}
      </p>
      {action.problem && <p className="notice danger">{action.problem}</p>}
      {!isAsked && (
        <div className={styles.actions}>
          <button
            type="button"
            className="button quiet"
            disabled={action.isBusy}
            onClick={async () => setAsked(await action.run('retry'))}
          >
            Try again
          </button>
        </div>
      )}
    </div>
  )
}

interface StoppedProps extends LiveStatusProps {
  /** whether the same file may do better the next time */
  canRetry: boolean
  children: ReactNode
}

function Stopped({ video, onChange, chooseOther, canRetry, children }: StoppedProps) {
  const action = useVideoAction(video.id, onChange)
  return (
    <div className={styles.status} role="alert">
      {children}
      {action.problem && <p className="notice danger">{action.problem}</p>}
      <div className={styles.actions}>
        {canRetry && (
          <button
            type="button"
            className="button quiet"
            disabled={action.isBusy}
            onClick={() => action.run('retry')}
          >
            Try again
          </button>
        )}
        {chooseOther}
      </div>
    </div>
  )
}

function useVideoAction(videoId: string, onChange: (video: Video) => void) {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)

  async function run(name: 'retry' | 'cancel') {
    setBusy(true)
    setProblem(null)
    try {
      await callApi(`/api/videos/${videoId}/${name}`, { method: 'POST' })
      onChange(await callApi<Video>(`/api/videos/${videoId}`))
      return true
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      setProblem(error.message)
      return false
    } finally {
      setBusy(false)
    }
  }
  return { isBusy, problem, run }
}
