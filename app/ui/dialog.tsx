'use client'
// A dialog: the browser's own. It keeps the focus inside, closes with Escape, gives the focus back, and
// lies above everything, also in full screen.
import { type MouseEvent, type ReactNode, useEffect, useId, useRef } from 'react'
import { CloseIcon } from '#app/icons.tsx'
import styles from './dialog.module.css'

interface DialogProps {
  title: string
  onClose(): void
  children: ReactNode
}

/** Open while it is there. The focus goes to what is marked `data-focus-first`, else to what comes first. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()

  useEffect(() => {
    const element = dialog.current
    if (!element?.open) element?.showModal()
    element?.querySelector<HTMLElement>('[data-focus-first]')?.focus()
    return () => element?.close()
  }, [])

  // Its own box is all content: what is hit of the dialog itself is the dark around it.
  const closeFromOutside = (event: MouseEvent<HTMLDialogElement>) => {
    if (event.target === event.currentTarget) event.currentTarget.close()
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the key for it is Escape, and the browser's
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby={titleId}
      onClose={onClose}
      onClick={closeFromOutside}
    >
      <div className={styles.content}>
        <h2 id={titleId}>{title}</h2>
        {children}
        <button
          type="button"
          className={`icon-button ${styles.close}`}
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <CloseIcon />
        </button>
      </div>
    </dialog>
  )
}
