// /tags/:tag: the videos with a hashtag.
import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import styles from '#app/grid/grid.module.css'
import { ListPage } from '#app/grid/list-page.tsx'
import { parseListing, unlessMalformed } from '#app/listing.ts'
import { Link } from '#app/ui/link.tsx'
import { listPage } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

const GRID_SIZE = 24

interface TagPageProps {
  params: Promise<{ tag: string }>
  searchParams: Promise<Record<string, string | string[] | undefined>>
}

export async function generateMetadata({ params }: TagPageProps): Promise<Metadata> {
  const listing = parse((await params).tag, {})
  return { title: listing ? `#${listing.tag}` : 'Not found' }
}

export default async function TagPage({ params, searchParams }: TagPageProps) {
  const listing = parse((await params).tag, await searchParams)
  if (!listing) notFound()
  const path = `/tags/${encodeURIComponent(listing.tag ?? '')}`
  return (
    <div className={styles.page}>
      <h1>
        <bdi>#{listing.tag}</bdi>
      </h1>
      <ListPage
        page={await listPage(listing, GRID_SIZE)}
        sort={listing.sort}
        hrefOf={choice => `${path}?${new URLSearchParams(choice)}`}
        empty={
          <>
            <p>
              No video has this hashtag yet. Write it in a title or a description, and yours is the first.
            </p>
            <p>
              <Link className="button" href="/upload">
                Upload a video
              </Link>
            </p>
          </>
        }
      />
    </div>
  )
}

function parse(tag: string, { sort, cursor }: Record<string, string | string[] | undefined>) {
  const text = (param: string | string[] | undefined) => (typeof param === 'string' ? param : null)
  return unlessMalformed(() =>
    // Next.js leaves what is in a path as it was written.
    parseListing({ q: null, tag: decodeURIComponent(tag), sort: text(sort), cursor: text(cursor) }),
  )
}
