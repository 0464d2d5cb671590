// The feed. Its first page is in the HTML; the rest comes through the API.
import { notFound } from 'next/navigation'
import { FeedOrder } from '#app/feed/feed-order.tsx'
import { fetchEarly } from '#app/feed/first-page.ts'
import { HomeFeed } from '#app/feed/home-feed.tsx'
import { feedPageSize } from '#app/feed/page-size.ts'
import { parseListing, unlessMalformed } from '#app/listing.ts'
import { listPage } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

export default async function FeedPage({ searchParams }: PageProps<'/'>) {
  const { sort = null } = await searchParams
  const given = { q: null, tag: null, cursor: null, sort: String(sort ?? 'new') }
  const listing = unlessMalformed(() => parseListing(given))
  if (!listing) notFound()
  const { items, nextCursor } = await listPage(listing, feedPageSize)
  fetchEarly(items[0])
  return (
    <>
      {items.length > 0 && <FeedOrder sort={listing.sort} />}
      <HomeFeed key={listing.sort} firstPage={{ items, nextCursor }} />
    </>
  )
}
