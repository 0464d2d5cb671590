'use client'
// The header of every page. A client component only to know which page is open.
import { usePathname } from 'next/navigation'
import { Mark, SearchIcon, UploadIcon } from '#app/icons.tsx'
import { Link } from '#app/ui/link.tsx'
import styles from './site-header.module.css'

export function SiteHeader() {
  const path = usePathname()
  return (
    <header className={styles.header}>
      <Link href="/" className={styles.brand} aria-label="pgreel, home">
        <Mark />
        <span>pgreel</span>
      </Link>
      <nav className={`choices ${styles.nav}`} aria-label="Main">
        <Link href="/" aria-current={path === '/' ? 'page' : undefined}>
          Feed
        </Link>
        <Link href="/search" aria-current={path === '/search' ? 'page' : undefined}>
          <SearchIcon />
          <span className={styles.name}>Search</span>
        </Link>
        <Link href="/upload" aria-current={path === '/upload' ? 'page' : undefined}>
          <UploadIcon />
          Upload
        </Link>
      </nav>
    </header>
  )
}
