// POST /api/videos/:id/views: somebody has seen it, three seconds or half of it; the player says when.
import { route } from '#app/answer.ts'
import { parseVideoId, type VideoContext } from '#app/api/videos/change.ts'
import { notFound } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { currentViewer, viewerByAddress } from '#app/viewer.ts'
import { countView } from '#db/counts.ts'

async function count(request: Request, { params }: VideoContext): Promise<Response> {
  const id = parseVideoId((await params).id)
  if (id === null) return notFound()
  const known = await currentViewer()
  const { id: viewer, next } = known === null ? await viewerByAddress(request) : { id: known, next: null }
  const { countsDb } = await server()
  if (!(await countView(countsDb, id, viewer, next?.id))) return notFound()
  return new Response(null, { status: 204, headers: next?.headers })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ POST: count })
