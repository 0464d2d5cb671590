'use client'
// A video's editor as a page of its own.
import { useEffect, useState } from 'react'
import { Editor } from '#app/edit/editor.tsx'
import { useSaver } from '#app/edit/use-saver.ts'
import { useVideos } from '#app/live/use-videos.ts'
import { Link } from '#app/ui/link.tsx'
import type { Video } from '#app/video.ts'
import styles from './edit-screen.module.css'

export function EditScreen({ initial }: { initial: Video }) {
  const live = useVideos([initial.id], [initial])
  const video = live.videos[initial.id] ?? initial
  // Words that were not sent yet are this browser's: the server cannot know them.
  const [isHere, setHere] = useState(false)
  useEffect(() => setHere(true), [])
  return (
    <div className="page">
      <h1 className={styles.title}>Edit</h1>
      {live.removed.has(initial.id) ? (
        <p role="alert">This video was deleted.</p>
      ) : (
        <section className={styles.card} aria-label="Details">
          {isHere && <OwnEditor video={video} onSaved={live.accept} />}
          <Link href={`/v/${video.id}`} className="button quiet">
            Go to the video
          </Link>
        </section>
      )}
    </div>
  )
}

function OwnEditor({ video, onSaved }: { video: Video; onSaved: (video: Video) => void }) {
  const { saver, saves } = useSaver(video.id, video.id, onSaved)
  return <Editor saver={saver} saves={saves} video={video} title={video.title} fileUrl={null} />
}
