// GET /feed.xml: the newest videos for feed readers; those with a tag by ?tag=.
import { route } from '#app/answer.ts'
import { parseListing } from '#app/listing.ts'
import { siteDescription, siteName, siteUrl } from '#app/site.ts'
import { listPage } from '#app/video-json.ts'
import { rss } from './rss.ts'

export const dynamic = 'force-dynamic'

const SIZE = 30

async function read(request: Request): Promise<Response> {
  const listing = parseListing({
    ...{ q: null, sort: null, cursor: null },
    tag: new URL(request.url).searchParams.get('tag'),
  })
  const { items } = await listPage(listing, SIZE)
  const site = siteUrl()
  const query = listing.tag === null ? '' : `?tag=${encodeURIComponent(listing.tag)}`
  const channel = {
    title: listing.tag === null ? siteName : `#${listing.tag} · ${siteName}`,
    description: siteDescription,
    link: listing.tag === null ? `${site}/` : `${site}/tags/${encodeURIComponent(listing.tag)}`,
    ...{ self: `${site}/feed.xml${query}`, site },
  }
  return new Response(rss(channel, items), {
    headers: { 'Content-Type': 'application/rss+xml; charset=utf-8', 'Cache-Control': 'private, max-age=60' },
  })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
