'use client'
// What there is to know of a video beside its title: how far it is, what it lacks, what it came past.
import { About } from '#app/feed/about.tsx'
import { LiveStatus } from '#app/live/live-status.tsx'
import { describeStage } from '#app/live/words.ts'
import { Link } from '#app/ui/link.tsx'
import { useOwnUpload } from '#app/upload/use-own-upload.ts'
import type { Video } from '#app/video.ts'
import { Timeline } from '../v/[id]/timeline.tsx'
import styles from './feed.module.css'

interface DetailsProps {
  video: Video
  isWorkerMissing: boolean
  onChange(video: Video): void
}

export function Details({ video, isWorkerMissing, onChange }: DetailsProps) {
  const isOwn = useOwnUpload(video.id)
  return (
    <>
      <About video={video} />
      {isOwn && (
        <Link href={`/edit/${video.id}`} className={`button quiet ${styles.edit}`}>
          Edit
        </Link>
      )}
      <LiveStatus
        video={video}
        isWorkerMissing={isWorkerMissing}
        canCancel={isOwn}
        onChange={onChange}
        chooseOther={
          <Link href="/upload" className="button quiet">
            Choose another file
          </Link>
        }
      />
      <Timeline video={video} />
    </>
  )
}

/** All of that in one line, where the words lie over the picture. */
export function LiveLine({ video }: { video: Video }) {
  if (video.status === 'ready') return null
  const percent = Math.round(video.progress * 100)
  return (
    <p className={styles.live}>
      {describeStage(video)}
      {percent > 0 && ` · ${percent} %`}
    </p>
  )
}
