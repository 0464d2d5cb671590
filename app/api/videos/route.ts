// GET /api/videos: the feed, or what has a tag or words; newest or most popular first.
import { route } from '#app/answer.ts'
import { parseListing } from '#app/listing.ts'
import { compressedJson } from '#app/media/compressed.ts'
import { listPage, parseLimit } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

async function read(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
  const given = (name: string) => searchParams.get(name)
  const listing = parseListing({
    q: given('q'),
    tag: given('tag'),
    sort: given('sort'),
    cursor: given('cursor'),
  })
  return compressedJson(request, await listPage(listing, parseLimit(searchParams.get('limit'))))
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
