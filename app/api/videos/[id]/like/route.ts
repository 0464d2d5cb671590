// PUT and DELETE /api/videos/:id/like: whether this viewer likes a video, and how many do.
import { route } from '#app/answer.ts'
import { parseVideoId, type VideoContext } from '#app/api/videos/change.ts'
import { notFound } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { viewerOrNew } from '#app/viewer.ts'
import { like, unlike } from '#db/counts.ts'

function answerWith(change: typeof like) {
  return async (request: Request, { params }: VideoContext): Promise<Response> => {
    const id = parseVideoId((await params).id)
    if (id === null) return notFound()
    const viewer = await viewerOrNew(request)
    const { countsDb } = await server()
    const likes = await change(countsDb, id, viewer.id)
    return likes ? Response.json(likes, { headers: viewer.headers }) : notFound()
  }
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({
  PUT: answerWith(like),
  DELETE: answerWith(unlike),
})
