// GET, HEAD and OPTIONS /media/<key>: the bytes of published files.
import { CORS_HEADERS, PREFLIGHT_HEADERS } from '#app/media/byte-response.ts'
import { serveMedia } from '#app/media/serve-media.ts'
import { problem } from '#app/problem.ts'
import { server } from '#app/server.ts'

export const dynamic = 'force-dynamic'
export const runtime = 'nodejs'

export async function GET(request: Request, context: { params: Promise<{ key: string[] }> }) {
  const [{ storage }, { key }] = await Promise.all([server(), context.params])
  return (await serveMedia(storage, request, key)) ?? notFound()
}

export { GET as HEAD }

export function OPTIONS(): Response {
  return new Response(null, { status: 204, headers: PREFLIGHT_HEADERS })
}

function notFound(): Response {
  // Not to be kept: a CDN that remembers a 404 would hide what is published under the key later.
  return problem(404, 'not_found', 'There is no such file, or it has been removed.', {
    ...CORS_HEADERS,
    'Cache-Control': 'no-store',
  })
}
