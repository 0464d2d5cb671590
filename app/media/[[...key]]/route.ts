// GET, HEAD and OPTIONS /media/<key>: the bytes of published files.

import { route } from '#app/answer.ts'
import { CORS_HEADERS, PREFLIGHT_HEADERS } from '#app/media/byte-response.ts'
import { serveMedia } from '#app/media/serve-media.ts'
import { problem } from '#app/problem.ts'
import { server } from '#app/server.ts'

export const dynamic = 'force-dynamic'
export const runtime = 'nodejs'

async function read(request: Request, context: { params: Promise<{ key?: string[] }> }): Promise<Response> {
  const [{ storage }, { key = [] }] = await Promise.all([server(), context.params])
  return (await serveMedia(storage, request, key)) ?? notFound()
}

const preflight = () => new Response(null, { status: 204, headers: PREFLIGHT_HEADERS })

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read, OPTIONS: preflight })

function notFound(): Response {
  // Problems are not to be kept: a CDN that remembers a 404 would hide what is published under the
  // key later.
  return problem(404, 'not_found', 'There is no such file, or it has been removed.', CORS_HEADERS)
}
