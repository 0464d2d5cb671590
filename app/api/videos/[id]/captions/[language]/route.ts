// GET, PUT and DELETE /api/videos/:id/captions/:language: what its uploader gives, at any time.
import { z } from 'zod'
import { route } from '#app/answer.ts'
import { notFound, problem, Refusal } from '#app/problem.ts'
import { readBytes } from '#app/read-body.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import { findCaptions, giveCaptions, MAX_GIVEN_CAPTIONS } from '#db/given.ts'
import { MAX_CAPTIONS_BYTES, readCaptionsFile } from '#media/captions-file.ts'

export const dynamic = 'force-dynamic'

interface CaptionsContext {
  params: Promise<{ id: string; language: string }>
}

const uuid = z.uuid().transform(id => id.toLowerCase())

async function read(request: Request, { params }: CaptionsContext): Promise<Response> {
  const { id, language } = await params
  const videoId = uuid.safeParse(id)
  if (!videoId.success) return notFound()
  const { db } = await server()
  const found = await findCaptions(db, videoId.data, canonical(language))
  if (!found)
    return problem(404, 'captions_not_found', 'There are no such captions; they may have been removed.')
  // An address that names older ones gives what there is now, and is not kept.
  const isCurrent = new URL(request.url).searchParams.get('v') === found.digest
  const headers = {
    'Content-Type': 'text/vtt; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Access-Control-Allow-Origin': '*',
    'Cache-Control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-store',
  }
  return new Response(found.vtt, { headers })
}

async function write(request: Request, context: CaptionsContext): Promise<Response> {
  const file = readCaptionsFile(await readBytes(request, MAX_CAPTIONS_BYTES))
  if ('refusal' in file) return problem(400, 'bad_captions', file.refusal)
  return give(context, file.vtt)
}

async function give({ params }: CaptionsContext, vtt: string | null): Promise<Response> {
  const { id, language } = await params
  const tag = canonical(language)
  const video = await videoById(id)
  if (!video) return notFound()
  const { db } = await server()
  const outcome = await db.transaction().execute(trx => giveCaptions(trx, video.id, tag, vtt))
  if (outcome === 'not found') return notFound()
  if (outcome === 'too many') {
    const detail = `A video takes captions in ${MAX_GIVEN_CAPTIONS} languages. Remove some first.`
    return problem(409, 'too_many_captions', detail)
  }
  return Response.json(await videoById(video.id))
}

/** @throws Refusal when it is no tag of BCP 47 */
function canonical(language: string): string {
  try {
    const [tag = ''] = Intl.getCanonicalLocales(language)
    if (tag.length <= 60) return tag
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw new Refusal(400, 'bad_language', 'The language must be a tag such as en, pt-BR or zh-Hant (BCP 47).')
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({
  GET: read,
  PUT: write,
  DELETE: (_request: Request, context: CaptionsContext) => give(context, null),
})
