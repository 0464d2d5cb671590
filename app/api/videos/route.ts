// GET /api/videos: the feed, newest first.
import { route } from '#app/answer.ts'
import { compressedJson } from '#app/media/compressed.ts'
import { feedPage, parseLimit } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

async function read(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
  const page = await feedPage(searchParams.get('cursor'), parseLimit(searchParams.get('limit')))
  return compressedJson(request, page)
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
