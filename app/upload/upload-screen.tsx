'use client'
// The upload page: where files go in, and one row for each until it can be watched.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useFocusKeeper } from '#app/live/use-focus-keeper.ts'
import { useVideos } from '#app/live/use-videos.ts'
import { useWorkerMissing } from '#app/live/use-worker-missing.ts'
import { DropZone } from '#app/upload/drop-zone.tsx'
import { forgetSent } from '#app/upload/upload-memory.ts'
import type { UploadRow } from '#app/upload/upload-row.ts'
import { UploadRowView } from '#app/upload/upload-row-view.tsx'
import { UploadSession } from '#app/upload/upload-session.ts'
import { useAnnouncements } from '#app/upload/use-announcements.ts'
import styles from './upload.module.css'

export function UploadScreen({ maxBytes }: { maxBytes: number }) {
  const session = useUploadSession()
  const rows = useSyncExternalStore(session?.rows.subscribe ?? never, session?.rows.all ?? noRows, noRows)
  const live = useVideos(rows.flatMap(({ videoId }) => videoId ?? []))
  const sentVideos = rows.flatMap(({ phase, videoId }) =>
    phase === 'sent' && videoId ? (live.videos[videoId] ?? []) : [],
  )
  const isWaiting = sentVideos.some(video => video.status === 'queued' || video.status === 'processing')
  const isWorkerMissing = useWorkerMissing(isWaiting)
  const page = useRef<HTMLDivElement>(null)
  useFocusKeeper(() => page.current)
  const announcement = useAnnouncements(rows, live.videos)

  // A reload need not bring back what nobody waits for.
  const doneIds = [
    ...sentVideos.filter(video => video.status === 'cancelled').map(video => video.id),
    ...live.removed,
  ].join(',')
  useEffect(() => {
    for (const id of doneIds.split(',')) forgetSent(id)
  }, [doneIds])

  return (
    <div ref={page} className="page">
      <h1 className={styles.title}>Upload</h1>
      <DropZone
        isReady={session !== null}
        maxBytes={maxBytes}
        isSmall={rows.length > 0}
        onFiles={files => session?.add(files, maxBytes)}
      />
      <p className="visually-hidden" role="status">
        {announcement}
      </p>
      {session && rows.length > 0 && (
        <ul className={styles.rows} aria-label="Your uploads">
          {rows.map(row => (
            <UploadRowView
              key={row.key}
              row={row}
              video={(row.videoId && live.videos[row.videoId]) || null}
              isAlone={rows.length === 1}
              isRemoved={row.phase === 'sent' && row.videoId !== null && live.removed.has(row.videoId)}
              isWorkerMissing={isWorkerMissing}
              session={session}
              onChange={live.accept}
            />
          ))}
        </ul>
      )}
    </div>
  )
}

const none: readonly UploadRow[] = []
const noRows = () => none
const never = () => () => {}

let tabSession: UploadSession | null = null

/** The tab's one session: null on the server and while hydrating, as only the browser remembers. */
function useUploadSession(): UploadSession | null {
  const [session, setSession] = useState<UploadSession | null>(null)
  useEffect(() => {
    tabSession ??= new UploadSession()
    setSession(tabSession)
  }, [])
  return session
}
