// The still picture that stands in for a video until a frame of it is drawn, over a few blurred pixels
// that come with the page. A plain img: the worker makes it in its final size, so that an optimizer in
// the web process would only do it again.
import type { Video } from '#app/video.ts'
import styles from './player.module.css'

interface PosterProps {
  video: Video
  isHidden?: boolean
  /** the first thing on the page: fetched before anything else */
  isUrgent?: boolean
}

export function Poster({ video, isHidden = false, isUrgent = false }: PosterProps) {
  const { posterUrl, placeholder, width, height } = video
  if (!posterUrl) return null
  return (
    <img
      className={styles.poster}
      src={posterUrl}
      alt=""
      width={width ?? undefined}
      height={height ?? undefined}
      decoding="async"
      fetchPriority={isUrgent ? 'high' : 'auto'}
      style={placeholder ? { backgroundImage: `url("${placeholder}")` } : undefined}
      data-hidden={isHidden || undefined}
    />
  )
}
