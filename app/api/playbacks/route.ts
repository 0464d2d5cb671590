// POST /api/playbacks: how playing went, as players tell it when they are done with a video.
import { z } from 'zod'
import { route } from '#app/answer.ts'
import { clientOfRequest } from '#app/api/uploads/client.ts'
import { problem } from '#app/problem.ts'
import { readJson } from '#app/read-body.ts'
import { server } from '#app/server.ts'
import { addPlaybacks } from '#db/playbacks.ts'
import { takeTurn } from '#db/upload-rates.ts'

const MAX_BODY_BYTES = 16 * 1024
// A browser tells of several at once.
const BATCHES_FOR_AN_UPLOAD = 20

const wholeUpTo = (most: number) => z.number().int().min(0).max(most)
const DAY_MS = 24 * 3600 * 1000

const batch = z.strictObject({
  playbacks: z
    .array(
      z.strictObject({
        videoId: z.uuid(),
        firstFrameMs: wholeUpTo(600_000).nullable(),
        stalls: wholeUpTo(10_000),
        stalledMs: wholeUpTo(DAY_MS),
        watchedMs: wholeUpTo(DAY_MS),
        height: wholeUpTo(10_000).min(1).nullable(),
        errorCode: z
          .string()
          .regex(/^[a-z0-9_]{1,40}$/)
          .nullable(),
        // Of what browsers say: wired and wireless are told apart by none.
        connection: z.enum(['slow-2g', '2g', '3g', '4g']).nullable(),
      }),
    )
    .min(1)
    .max(20),
})

async function add(request: Request): Promise<Response> {
  const given = batch.safeParse(await readJson(request, MAX_BODY_BYTES))
  if (!given.success) {
    const [issue] = given.error.issues
    const place = issue?.path.length ? issue.path.join('.') : 'the body'
    const detail = `Nothing was kept: ${place} is not as it is to be told; the README has the form.`
    return problem(400, 'bad_playbacks', detail)
  }
  const { countsDb, config } = await server()
  if (config.uploadsPerHour !== null) {
    const client = `playbacks of ${clientOfRequest(request.headers, config.publicUrl !== null)}`
    const seconds = await takeTurn(countsDb, client, config.uploadsPerHour * BATCHES_FOR_AN_UPLOAD)
    const headers = { 'Retry-After': String(seconds) }
    if (seconds > 0) return problem(429, 'rate_limited', `Go on in ${seconds} seconds.`, headers)
  }
  await addPlaybacks(countsDb, given.data.playbacks)
  return new Response(null, { status: 204 })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ POST: add })
