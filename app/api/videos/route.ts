// GET /api/videos: the feed, newest first.
import { answer } from '#app/problem.ts'
import { feedPage, parseLimit } from '#app/video-json.ts'

export const dynamic = 'force-dynamic'

export function GET(request: Request): Promise<Response> {
  return answer(async () => {
    const { searchParams } = new URL(request.url)
    return Response.json(await feedPage(searchParams.get('cursor'), parseLimit(searchParams.get('limit'))), {
      headers: { 'Cache-Control': 'no-store' },
    })
  })
}
