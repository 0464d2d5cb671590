// A page of videos in a list that is somebody's choice: its order, the videos, the way on to more.
import type { ReactNode } from 'react'
import { Link } from '#app/ui/link.tsx'
import type { ListedPage } from '#app/video.ts'
import type { Sort } from '#db/listing.ts'
import styles from './grid.module.css'
import { VideoGrid } from './video-grid.tsx'

interface ListPageProps {
  page: ListedPage
  sort: Sort
  /** the address of this list in another order, or from a place on */
  hrefOf: (choice: { sort: Sort; cursor?: string }) => string
  /** what to say when there is none */
  empty: ReactNode
}

const NAMES: Record<Sort, string> = { new: 'Newest', popular: 'Popular' }

export function ListPage({ page, sort, hrefOf, empty }: ListPageProps) {
  if (page.items.length === 0) return <div className={styles.empty}>{empty}</div>
  return (
    <>
      {page.isSimilar ? (
        <p className={styles.note}>No video has these words. Some have words that look like them:</p>
      ) : (
        <nav className="choices page-choices" aria-label="Order">
          {(['new', 'popular'] as const).map(name => (
            <Link key={name} href={hrefOf({ sort: name })} aria-current={name === sort ? 'page' : undefined}>
              {NAMES[name]}
            </Link>
          ))}
        </nav>
      )}
      <VideoGrid videos={page.items} />
      {page.nextCursor && (
        <p className={styles.more}>
          <Link className="button quiet" href={hrefOf({ sort, cursor: page.nextCursor })}>
            More videos
          </Link>
        </p>
      )}
    </>
  )
}
