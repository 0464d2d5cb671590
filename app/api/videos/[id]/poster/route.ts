// PUT /api/videos/:id/poster: what the poster is to be, `{ atSeconds }` or a picture's bytes. A worker makes
// it, at once or when the video is ready; the video says what became of it.
import { z } from 'zod'
import { route } from '#app/answer.ts'
import type { VideoContext } from '#app/api/videos/change.ts'
import { notFound, Refusal } from '#app/problem.ts'
import { readBytes, readJson } from '#app/read-body.ts'
import { requestId } from '#app/requests.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import { givePoster, type PosterWish } from '#db/given.ts'
import { imageFormat } from '#media/image-format.ts'

export const dynamic = 'force-dynamic'

const MAX_IMAGE_BYTES = 10_000_000
const moment = z.strictObject({ atSeconds: z.number().min(0).max(86_400) })

async function write(request: Request, { params }: VideoContext): Promise<Response> {
  const wish = await readWish(request)
  const video = await videoById((await params).id)
  if (!video) return notFound()
  const { db, boss } = await server()
  const queue = await boss()
  const isGiven = await db.transaction().execute(trx => givePoster(trx, queue, video.id, wish, requestId()))
  return isGiven ? Response.json(await videoById(video.id)) : notFound()
}

/** @throws Refusal */
async function readWish(request: Request): Promise<PosterWish> {
  if (request.headers.get('Content-Type')?.startsWith('application/json')) {
    const wish = moment.safeParse(await readJson(request))
    if (wish.success) return wish.data
    throw new Refusal(400, 'bad_poster', 'Send { atSeconds }, a moment of the video, or a picture.')
  }
  const image = await readBytes(request, MAX_IMAGE_BYTES)
  if (imageFormat(image)) return { image }
  throw new Refusal(415, 'not_a_picture', 'This is not a picture that can be read. Send a JPEG, PNG or WebP.')
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ PUT: write })
