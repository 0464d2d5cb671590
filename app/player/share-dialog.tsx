'use client'
// A video's address, to take along: where the system has no way of its own to share.
import { useRef, useState } from 'react'
import { Dialog } from '#app/ui/dialog.tsx'
import type { Video } from '#app/video.ts'
import styles from './overlay.module.css'

function addressOf({ id }: Video): string {
  return new URL(`/v/${id}`, location.href).href
}

/** The system's own way, where it has one. @returns false: a dialog is needed */
export async function shareBySystem(video: Video): Promise<boolean> {
  const data = { title: video.title, url: addressOf(video) }
  if (!navigator.share || !navigator.canShare?.(data)) return false
  try {
    await navigator.share(data)
    return true
  } catch (error) {
    // AbortError: the person thought better of it.
    return error instanceof DOMException && error.name === 'AbortError'
  }
}

export function ShareDialog({ video, onClose }: { video: Video; onClose(): void }) {
  const field = useRef<HTMLInputElement>(null)
  const [said, setSaid] = useState('')
  const address = addressOf(video)

  async function copy() {
    try {
      await navigator.clipboard.writeText(address)
      setSaid('Copied')
    } catch {
      // Refused, or the page came over plain http, where there is no clipboard.
      field.current?.select()
      setSaid(document.execCommand('copy') ? 'Copied' : 'Press Ctrl + C to copy')
    }
  }

  return (
    <Dialog title="Share this video" onClose={onClose}>
      <div className={styles.share}>
        <input
          ref={field}
          readOnly
          aria-label="Link"
          value={address}
          onFocus={event => event.currentTarget.select()}
        />
        <button type="button" className="button" data-focus-first onClick={copy}>
          Copy link
        </button>
      </div>
      <p className={styles.said} role="status">
        {said}
      </p>
    </Dialog>
  )
}
