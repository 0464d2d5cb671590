// GET, PATCH and DELETE /api/videos/:id.
import { z } from 'zod'
import { cleanLine, cleanLines } from '#app/clean-text.ts'
import { answer, answerOwn, BadRequest, notFound, problem } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import { deleteVideo, editVideo } from '#db/videos.ts'

export const dynamic = 'force-dynamic'

interface Context {
  params: Promise<{ id: string }>
}

const edits = z
  .strictObject({
    title: z.string().transform(cleanLine).pipe(z.string().min(1).max(200)),
    description: z.string().transform(cleanLines).pipe(z.string().max(5000)),
    visibility: z.enum(['public', 'unlisted', 'private']),
  })
  .partial()
  .refine(changes => Object.keys(changes).length > 0, 'nothing to change')

export function GET(_request: Request, { params }: Context): Promise<Response> {
  return answer(async () => {
    const video = await videoById((await params).id)
    return video ? Response.json(video, { headers: { 'Cache-Control': 'no-store' } }) : notFound()
  })
}

export function PATCH(request: Request, { params }: Context): Promise<Response> {
  return answerOwn(request, async () => {
    const changes = edits.safeParse(await readJson(request))
    if (!changes.success) {
      const [issue] = changes.error.issues
      return problem(
        400,
        'bad_edit',
        `Nothing was changed. ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
      )
    }
    const video = await videoById((await params).id)
    const { db } = await server()
    if (!video || !(await editVideo(db, video.id, changes.data))) return notFound()
    return Response.json(await videoById(video.id))
  })
}

export function DELETE(request: Request, { params }: Context): Promise<Response> {
  return answerOwn(request, async () => {
    const video = await videoById((await params).id)
    if (!video) return notFound()
    const { db, boss } = await server()
    const queue = await boss()
    const outcome = await db.transaction().execute(trx => deleteVideo(trx, queue, video.id))
    return outcome === 'not found' ? notFound() : new Response(null, { status: 204 })
  })
}

const MAX_BODY_BYTES = 64 * 1024

async function readJson(request: Request): Promise<unknown> {
  if (Number(request.headers.get('Content-Length') ?? Infinity) > MAX_BODY_BYTES) {
    throw new BadRequest('bad_length', `Send a Content-Length of at most ${MAX_BODY_BYTES} bytes.`)
  }
  try {
    return await request.json()
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadRequest('bad_json', 'The body is not JSON.')
    throw error
  }
}
