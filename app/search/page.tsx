// /search?q=: videos by words of their titles, descriptions and hashtags.
import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import styles from '#app/grid/grid.module.css'
import { ListPage } from '#app/grid/list-page.tsx'
import { parseListing, unlessMalformed } from '#app/listing.ts'
import { titleOf } from '#app/site.ts'
import { listPage } from '#app/video-json.ts'
import type { Sort } from '#db/listing.ts'

export const dynamic = 'force-dynamic'

const GRID_SIZE = 24

interface SearchPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>
}

export async function generateMetadata({ searchParams }: SearchPageProps): Promise<Metadata> {
  const { q } = await searchParams
  return {
    title: typeof q === 'string' && q ? titleOf(`Search: ${[...q].slice(0, 80).join('')}`) : 'Search',
    robots: 'noindex',
  }
}

export default async function SearchPage({ searchParams }: SearchPageProps) {
  const { q, sort: sortParam, cursor } = await searchParams
  const words = typeof q === 'string' ? q.trim() : ''
  const given = { q: words || null, sort: one(sortParam), tag: null, cursor: one(cursor) }
  const listing = unlessMalformed(() => parseListing(given))
  const isTooLong = words.length > 200
  if (!listing && !isTooLong) notFound()
  return (
    <div className={styles.page}>
      <h1>Search</h1>
      <search>
        <form className={styles.form} action="/search">
          <input
            type="search"
            name="q"
            defaultValue={words.slice(0, 200)}
            maxLength={200}
            aria-label="Words of a title, a description or a hashtag"
            placeholder="Words or a hashtag"
            autoComplete="off"
            enterKeyHint="search"
            required
          />
          <button className="button" type="submit">
            Search
          </button>
        </form>
      </search>
      {isTooLong && <p className={`${styles.note} notice`}>Search for at most 200 characters.</p>}
      {listing && words && (
        <ListPage
          page={await listPage(listing, GRID_SIZE)}
          sort={listing.sort}
          hrefOf={choice => searchHref(words, choice)}
          empty={
            <p role="status">
              No video has the words <strong>{words}</strong>, nor words that look like them. Fewer or other
              words may find more.
            </p>
          }
        />
      )}
    </div>
  )
}

function searchHref(words: string, { sort, cursor }: { sort: Sort; cursor?: string }): string {
  return `/search?${new URLSearchParams({ q: words, sort, ...(cursor ? { cursor } : {}) })}`
}

function one(param: string | string[] | undefined): string | null {
  return typeof param === 'string' ? param : null
}
