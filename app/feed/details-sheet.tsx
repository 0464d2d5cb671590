'use client'
// The details where there is no room beside the picture: a sheet from below, opened from the title.
import { type ReactNode, useRef, useState } from 'react'
import { VideoFacts } from '#app/feed/video-facts.tsx'
import { CloseIcon } from '#app/icons.tsx'
import type { Video } from '#app/video.ts'
import styles from './details-sheet.module.css'

export function DetailsSheet({ video, children }: { video: Video; children: ReactNode }) {
  const sheet = useRef<HTMLDialogElement>(null)
  const [isOpen, setOpen] = useState(false)
  const titleId = `details-${video.id}`
  return (
    <>
      <button
        type="button"
        className={styles.opener}
        aria-haspopup="dialog"
        onClick={() => {
          setOpen(true)
          sheet.current?.showModal()
        }}
      >
        Details
      </button>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself */}
      <dialog
        ref={sheet}
        className={styles.sheet}
        aria-labelledby={titleId}
        onClose={() => setOpen(false)}
        onClick={event => event.target === sheet.current && sheet.current.close()}
      >
        {isOpen && (
          <div className={styles.content}>
            <header>
              <h2 id={titleId}>
                <bdi>{video.title}</bdi>
              </h2>
              <button
                type="button"
                className="icon-button"
                aria-label="Close"
                onClick={() => sheet.current?.close()}
              >
                <CloseIcon />
              </button>
            </header>
            <VideoFacts video={video} />
            {children}
          </div>
        )}
      </dialog>
    </>
  )
}
