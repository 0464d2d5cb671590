'use client'
// The feed before its first video: an invitation, which gives way by itself once there is something.
import { useEffect } from 'react'
import { UploadIcon } from '#app/icons.tsx'
import { Message } from '#app/message.tsx'
import { Link } from '#app/ui/link.tsx'

const askEveryMilliseconds = 5000

export function EmptyFeed({ onNewVideos }: { onNewVideos(): void }) {
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && onNewVideos(), askEveryMilliseconds)
    return () => clearInterval(timer)
  }, [onNewVideos])

  return (
    <Message
      title="Nothing to watch yet"
      sign={<UploadIcon />}
      actions={
        <Link href="/upload" className="button">
          Upload the first video
        </Link>
      }
    >
      <p>Choose a video from this device. It appears here a few seconds after it has arrived.</p>
    </Message>
  )
}
