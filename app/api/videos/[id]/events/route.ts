// GET /api/videos/:id/events: the milestones that a video has come past, oldest first.
import { route } from '#app/answer.ts'
import type { VideoContext } from '#app/api/videos/change.ts'
import { notFound } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import { milestonesOf } from '#db/events.ts'

export const dynamic = 'force-dynamic'

async function read(_request: Request, { params }: VideoContext): Promise<Response> {
  const video = await videoById((await params).id)
  if (!video) return notFound()
  const { db } = await server()
  return Response.json(await milestonesOf(db, video.id), { headers: { 'Cache-Control': 'no-store' } })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
