// GET /api/videos: the feed, newest first.
import { route } from '#app/answer.ts'
import { feedPage, parseLimit } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

async function read(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
  return Response.json(await feedPage(searchParams.get('cursor'), parseLimit(searchParams.get('limit'))), {
    headers: { 'Cache-Control': 'no-store' },
  })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
