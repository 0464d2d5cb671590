// What its uploader says of a video, and the tags by which there is more.
import { Link } from '#app/ui/link.tsx'
import type { Video } from '#app/video.ts'
import styles from './about.module.css'

export function About({ video: { description, tags } }: { video: Video }) {
  return (
    <>
      {description && (
        <p className={styles.description} dir="auto">
          {description}
        </p>
      )}
      {tags.length > 0 && (
        <ul className={styles.tags} aria-label="Hashtags">
          {tags.map(tag => (
            <li key={tag}>
              <Link href={`/tags/${encodeURIComponent(tag)}`}>#{tag}</Link>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
