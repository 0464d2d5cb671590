'use client'
// Where files are dropped or chosen. The input is a real one under a real label, so that keyboards,
// screen readers and phones treat it as what it is.
import { type DragEvent, useState } from 'react'
import { UploadIcon } from '#app/icons.tsx'
import { describeBytes } from '#app/live/words.ts'
import styles from './upload.module.css'

const inputId = 'choose-videos'

interface DropZoneProps {
  isReady: boolean
  maxBytes: number
  /** makes room for the list once there is one */
  isSmall: boolean
  onFiles(files: File[]): void
}

export function DropZone({ isReady, maxBytes, isSmall, onFiles }: DropZoneProps) {
  const [isOver, setOver] = useState(false)

  function drop(event: DragEvent) {
    event.preventDefault()
    setOver(false)
    onFiles([...event.dataTransfer.files])
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way in for a mouse; the labelled input inside is the way for everyone.
    <div
      className={styles.drop}
      data-over={isOver || undefined}
      data-small={isSmall || undefined}
      onDragOver={event => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <span className={styles.sign}>
        <UploadIcon />
      </span>
      <div>
        <p className={styles.invitation}>
          <span className={styles.forMouse}>Drop videos here</span>
          <span className={styles.forTouch}>Add your videos</span>
        </p>
        <p className={styles.small} id="upload-limits">
          Any format, several at once, up to {describeBytes(maxBytes)} each
        </p>
      </div>
      <label className={`button ${styles.choose}`}>
        <input
          id={inputId}
          type="file"
          accept="video/*"
          multiple
          disabled={!isReady}
          aria-describedby="upload-limits"
          className="visually-hidden"
          onChange={event => {
            onFiles([...(event.target.files ?? [])])
            event.target.value = '' // else choosing the same file again would be no change
          }}
        />
        Choose videos
      </label>
    </div>
  )
}

/** The same choice, offered where a file has turned out to be of no use. */
export function ChooseOther() {
  return (
    <button
      type="button"
      className={`button quiet ${styles.watch}`}
      onClick={() => document.getElementById(inputId)?.click()}
    >
      Choose another file
    </button>
  )
}
