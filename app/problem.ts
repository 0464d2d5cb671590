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

/** Thrown by parsers of what a client sent. */
export class BadRequest extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
