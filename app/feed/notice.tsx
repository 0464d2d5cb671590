'use client'
// What happened to the feed without anybody's doing: a deletion is told for a while, being offline
// as long as it lasts.
import { useEffect, useState } from 'react'
import { useOffline } from '#app/feed/use-offline.ts'
import styles from './feed.module.css'

const SHOWN_MS = 5000

/** @param deleted the title of the video that went last */
export function Notice({ deleted }: { deleted: string | null }) {
  const isOffline = useOffline()
  const [past, setPast] = useState<string | null>(null)
  useEffect(() => {
    if (deleted === null) return
    const timer = setTimeout(() => setPast(deleted), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [deleted])
  const isShown = isOffline || (deleted !== null && deleted !== past)
  return (
    <p className={isShown ? styles.notice : 'visually-hidden'} role="status">
      {isOffline ? 'You are offline. Videos go on when the connection is back.' : sayDeleted(deleted)}
    </p>
  )
}

function sayDeleted(title: string | null) {
  return title === null ? null : `“${title}” was deleted.`
}
