// GET, PATCH and DELETE /api/videos/:id.
import { z } from 'zod'
import { route } from '#app/answer.ts'
import type { VideoContext } from '#app/api/videos/change.ts'
import { cleanLine, cleanLines } from '#app/clean-text.ts'
import { log } from '#app/log.ts'
import { notFound, problem } from '#app/problem.ts'
import { readJson } from '#app/read-body.ts'
import { requestId } from '#app/requests.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import { deleteVideo, editVideo } from '#db/videos.ts'
import { videoPrefix } from '#media/keys.ts'

export const dynamic = 'force-dynamic'

const edits = z
  .strictObject({
    title: z.string().transform(cleanLine).pipe(z.string().min(1).max(200)),
    description: z.string().transform(cleanLines).pipe(z.string().max(5000)),
    visibility: z.enum(['public', 'unlisted', 'private']),
  })
  .partial()
  .refine(changes => Object.keys(changes).length > 0)

const RULES: Record<string, string> = {
  title: 'title must be a text of 1 to 200 characters.',
  description: 'description must be a text of at most 5000 characters.',
  visibility: 'visibility must be public, unlisted or private.',
}

async function read(_request: Request, { params }: VideoContext): Promise<Response> {
  const video = await videoById((await params).id)
  return video ? Response.json(video, { headers: { 'Cache-Control': 'no-store' } }) : notFound()
}

async function edit(request: Request, { params }: VideoContext): Promise<Response> {
  const changes = edits.safeParse(await readJson(request))
  if (!changes.success) {
    const field = changes.error.issues[0]?.path[0]
    const rule = RULES[String(field)] ?? 'Send title, description or visibility, and nothing else.'
    return problem(400, 'bad_edit', `Nothing was changed. ${rule}`)
  }
  const video = await videoById((await params).id)
  const { db } = await server()
  if (!video || !(await editVideo(db, video.id, changes.data))) return notFound()
  return Response.json(await videoById(video.id))
}

async function remove(_request: Request, { params }: VideoContext): Promise<Response> {
  const video = await videoById((await params).id)
  if (!video) return notFound()
  const { db, boss, storage } = await server()
  const queue = await boss()
  const outcome = await db.transaction().execute(trx => deleteVideo(trx, queue, video.id, requestId()))
  if (outcome === 'not found') return notFound()
  // Its addresses answer 404 before we do, with or without a worker; what stays of it, purge removes.
  await storage
    .discard(videoPrefix(video.id))
    .catch(err =>
      log.error({ err, videoId: video.id }, 'files of a deleted video stay until they are purged'),
    )
  return new Response(null, { status: 204 })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({
  GET: read,
  PATCH: edit,
  DELETE: remove,
})
