// Which order the feed has: two links over its upper edge.
import { Link } from '#app/ui/link.tsx'
import type { Sort } from '#db/listing.ts'
import styles from './feed-order.module.css'

export function FeedOrder({ sort }: { sort: Sort }) {
  return (
    <nav className={styles.order} aria-label="Order of the feed">
      <Link href="/" aria-current={sort === 'new' ? 'page' : undefined}>
        New
      </Link>
      <Link href="/?sort=popular" aria-current={sort === 'popular' ? 'page' : undefined}>
        Popular
      </Link>
    </nav>
  )
}
