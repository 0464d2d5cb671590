'use client'
// One upload on the list, from the first byte to "Watch".
import { useState } from 'react'
import { Editor } from '#app/edit/editor.tsx'
import { useSaver } from '#app/edit/use-saver.ts'
import { ChevronIcon, CloseIcon, PauseIcon, PlayIcon } from '#app/icons.tsx'
import { LiveStatus } from '#app/live/live-status.tsx'
import { ProgressBar } from '#app/live/progress-bar.tsx'
import { describeBytes, describeTimeLeft } from '#app/live/words.ts'
import { Link } from '#app/ui/link.tsx'
import { ChooseOther } from '#app/upload/drop-zone.tsx'
import { Preview } from '#app/upload/preview.tsx'
import { Stages } from '#app/upload/stages.tsx'
import { canBeCancelled, isUnderway, type UploadRow } from '#app/upload/upload-row.ts'
import type { UploadSession } from '#app/upload/upload-session.ts'
import type { Video } from '#app/video.ts'
import styles from './upload.module.css'

interface UploadRowProps {
  row: UploadRow
  /** once it was created and the server has told about it */
  video: Video | null
  isRemoved: boolean
  /** no other is on the list: there is room for its details */
  isAlone: boolean
  isWorkerMissing: boolean
  session: UploadSession
  onChange(video: Video): void
}

export function UploadRowView(props: UploadRowProps) {
  const { row, video, isRemoved, session } = props
  const { saver, saves } = useSaver(row.draftKey, row.videoId, props.onChange)
  const [isOpen, setOpen] = useState(props.isAlone)
  const title = saves.details.title?.trim() || video?.title || row.title
  const sent = row.phase === 'sent' ? video : null
  const hasStopped = sent?.status === 'failed' || sent?.status === 'cancelled'
  const isEditable = row.phase !== 'refused' && !isRemoved && !hasStopped
  return (
    <li className={styles.row} data-phase={row.phase} data-video-id={row.videoId} data-status={sent?.status}>
      <Preview fileUrl={row.previewUrl} posterUrl={sent?.posterUrl ?? null} />
      <div className={styles.about}>
        <h2 title={row.fileName}>
          <bdi>{title}</bdi>
        </h2>
        <p className={styles.small}>{describeBytes(row.sizeBytes)}</p>
      </div>
      <RowButtons row={row} session={session} />
      <div className={styles.state}>
        {isEditable && (
          <Stages
            isSent={row.phase === 'sent'}
            isPlayable={sent?.playable ?? false}
            isReady={sent?.status === 'ready'}
          />
        )}
        {row.phase === 'sent' ? <Sent {...props} /> : <Sending row={row} session={session} />}
      </div>
      {isEditable && (
        <details
          className={styles.details}
          open={isOpen}
          onToggle={event => setOpen(event.currentTarget.open)}
        >
          <summary>
            Details<span className="visually-hidden"> of {title}</span>
            <ChevronIcon />
          </summary>
          {isOpen && (
            <Editor saver={saver} saves={saves} video={video} title={row.title} fileUrl={row.previewUrl} />
          )}
        </details>
      )}
    </li>
  )
}

/** What becomes of it on the server. */
function Sent({ row, video, isRemoved, isWorkerMissing, onChange }: UploadRowProps) {
  if (isRemoved) return <p className={styles.small}>This video was deleted.</p>
  if (!video) {
    return (
      <>
        <p>Uploaded</p>
        <ProgressBar label={`Processing ${row.title}`} value={0} isStill />
      </>
    )
  }
  return (
    <>
      {video.status === 'ready' && <p className={styles.good}>Ready to watch</p>}
      <LiveStatus
        video={video}
        isWorkerMissing={isWorkerMissing}
        onChange={onChange}
        canCancel
        chooseOther={<ChooseOther />}
      />
      {video.playable && (
        <Link href={`/v/${video.id}`} className={`button ${styles.watch}`}>
          Watch it now<span className="visually-hidden">: {video.title}</span>
        </Link>
      )}
    </>
  )
}

function RowButtons({ row, session }: { row: UploadRow; session: UploadSession }) {
  const isPaused = row.phase === 'paused'
  const isRunning = isUnderway(row)
  const stops = canBeCancelled(row)
  return (
    <div className={styles.buttons}>
      {isRunning && (
        <button
          type="button"
          className="icon-button"
          aria-label={`${isPaused ? 'Resume' : 'Pause'} ${row.title}`}
          title={isPaused ? 'Resume' : 'Pause'}
          onClick={() => session.pauseOrResume(row)}
        >
          {isPaused ? <PlayIcon /> : <PauseIcon />}
        </button>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={stops ? `Cancel ${row.title}` : `Remove ${row.title} from the list`}
        title={stops ? 'Cancel' : 'Remove from the list'}
        onClick={() => (stops ? session.cancel(row) : session.dismiss(row))}
      >
        <CloseIcon />
      </button>
    </div>
  )
}

function Sending({ row, session }: { row: UploadRow; session: UploadSession }) {
  if (row.phase === 'unfinished') {
    return (
      <p className="notice">
        Not finished. Choose <strong>{row.fileName}</strong> again and it goes on where it stopped.
      </p>
    )
  }
  if (row.phase === 'elsewhere') {
    return (
      <>
        <p className="notice">
          This file is being uploaded in another tab. The video shows up here when that is done.
        </p>
        {row.previewUrl && (
          <button
            type="button"
            className={`button quiet ${styles.watch}`}
            onClick={() => session.takeOver(row)}
          >
            Upload it here instead
          </button>
        )}
      </>
    )
  }
  if (row.phase === 'refused') {
    return (
      <>
        <p className="notice danger" role="alert">
          {row.problem?.detail}
        </p>
        {row.canRetry ? (
          <button type="button" className={`button quiet ${styles.watch}`} onClick={() => session.retry(row)}>
            Try again
          </button>
        ) : (
          <ChooseOther />
        )}
      </>
    )
  }
  return (
    <>
      <p className={styles.line}>
        <span>{sendingWords(row)}</span>
        <span className={styles.small}>{describeSpeed(row)}</span>
      </p>
      <ProgressBar
        label={`Uploading ${row.title}`}
        value={row.sizeBytes === 0 ? 0 : row.sentBytes / row.sizeBytes}
        isStill={row.phase !== 'sending'}
      />
    </>
  )
}

function sendingWords(row: UploadRow): string {
  if (row.phase === 'paused') return 'Paused'
  if (row.phase === 'waiting') {
    return row.trouble === 'server'
      ? 'The server has a problem, trying again…'
      : 'Connection lost, goes on when you are back'
  }
  return `Uploading ${Math.floor((row.sentBytes / row.sizeBytes) * 100)} %`
}

function describeSpeed(row: UploadRow): string {
  if (row.phase === 'paused') return `${describeBytes(row.sentBytes)} sent`
  if (!row.bytesPerSecond) return ''
  const secondsLeft = (row.sizeBytes - row.sentBytes) / row.bytesPerSecond
  return `${describeBytes(row.bytesPerSecond)}/s · ${describeTimeLeft(secondsLeft)}`
}
