// Errors as the API tells them: RFC 9457 problem details with a code and a sentence to act on.
import { log } from '#app/log.ts'

/**
 * @param code stable, for programs
 * @param detail for people: what is wrong and what to do
 */
export function problem(status: number, code: string, detail: string, headers?: HeadersInit): Response {
  const all = new Headers(headers)
  all.set('Content-Type', 'application/problem+json')
  all.set('Cache-Control', 'no-store')
  return new Response(JSON.stringify({ type: 'about:blank', title: code, status, code, detail }), {
    status,
    headers: all,
  })
}

export const notFound = () =>
  problem(404, 'video_not_found', 'There is no such video; it may have been deleted.')

/** Turns what a handler throws into a problem: nothing of ours leaks, everything is logged. */
export async function answer(handle: () => Promise<Response>): Promise<Response> {
  try {
    return await handle()
  } catch (error) {
    if (error instanceof BadRequest) return problem(400, error.code, error.message)
    log.error({ err: error }, 'request failed')
    return problem(500, 'internal', 'Something went wrong here. Try again in a moment.', {
      'Retry-After': '5',
    })
  }
}

/**
 * As `answer`, for requests that change something: not when another site's page made the browser send
 * them. (Fetch Metadata where the browser sends it, else Origin; scripts send neither.)
 */
export async function answerOwn(request: Request, handle: () => Promise<Response>): Promise<Response> {
  if (isForeign(request.headers)) {
    return problem(403, 'cross_site', 'This can only be asked for by a page of this site, or by a script.')
  }
  return answer(handle)
}

function isForeign(headers: Headers): boolean {
  const site = headers.get('Sec-Fetch-Site')
  if (site) return site === 'cross-site' || site === 'same-site'
  const origin = headers.get('Origin')
  if (!origin) return false
  const host = headers.get('X-Forwarded-Host') ?? headers.get('Host')
  return !URL.canParse(origin) || new URL(origin).host !== host
}

/** Thrown by parsers of what a client sent. */
export class BadRequest extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
