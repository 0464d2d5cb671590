// Videos side by side, each a link to the feed at it. Rendered on the server; needs no script.
import { clock, count } from '#app/live/words.ts'
import { Link } from '#app/ui/link.tsx'
import type { Video } from '#app/video.ts'
import styles from './grid.module.css'

const URGENT = 6

export function VideoGrid({ videos }: { videos: Video[] }) {
  return (
    <ul className={styles.grid}>
      {videos.map((video, index) => (
        <li key={video.id}>
          <Link href={`/v/${video.id}`}>
            <span className={styles.still} style={placeholderOf(video)}>
              {video.posterUrl && (
                <img
                  src={video.posterUrl}
                  alt=""
                  width={video.width ?? undefined}
                  height={video.height ?? undefined}
                  loading={index < URGENT ? 'eager' : 'lazy'}
                  decoding="async"
                />
              )}
              {video.durationSeconds !== null && (
                <span className={styles.length}>
                  <span className="visually-hidden">, </span>
                  {clock(video.durationSeconds)}
                </span>
              )}
            </span>
            <bdi className={styles.title}>{video.title}</bdi>
            <span className={styles.facts}>
              {count(video.views, 'view')} · {count(video.likes, 'like')}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  )
}

function placeholderOf({ placeholder }: Video) {
  return placeholder ? { backgroundImage: `url(${placeholder})` } : undefined
}
