// The still picture that stands in for a video until a frame of it is drawn. A plain img: the worker
// makes it in its final size, so that an optimizer in the web process would only do it again.
import type { Video } from '#app/video.ts'
import styles from './player.module.css'

interface PosterProps {
  video: Video
  isHidden?: boolean
  /** the first thing on the page: fetched before anything else */
  isUrgent?: boolean
}

export function Poster({ video, isHidden = false, isUrgent = false }: PosterProps) {
  if (!video.posterUrl) return null
  return (
    <img
      className={styles.poster}
      src={video.posterUrl}
      alt=""
      width={video.width ?? undefined}
      height={video.height ?? undefined}
      decoding="async"
      loading={isUrgent ? 'eager' : 'lazy'}
      fetchPriority={isUrgent ? 'high' : 'auto'}
      data-hidden={isHidden || undefined}
    />
  )
}
