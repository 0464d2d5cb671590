// Errors as the API tells them: RFC 9457 problem details with a code and a sentence to act on.
import { STATUS_CODES } from 'node:http'
import { log } from '#app/log.ts'
import { currentRequest } from '#app/requests.ts'
import { isDatabaseAway } from '#db/client.ts'

/** Every code there is, stable, for programs; docs/operations.md says of each what to do. */
export const problemCodes = [
  'bad_captions',
  'bad_cursor',
  'bad_edit',
  'bad_json',
  'bad_language',
  'bad_length',
  'bad_limit',
  'bad_playbacks',
  'bad_poster',
  'bad_query',
  'bad_sort',
  'bad_tag',
  'bad_upload_request',
  'bad_videos',
  'captions_not_found',
  'cross_site',
  'database_unavailable',
  'disk_full',
  'internal',
  'malformed_address',
  'method_not_allowed',
  'migrations_pending',
  'not_a_picture',
  'not_a_video',
  'not_found',
  'offset_conflict',
  'rate_limited',
  'source_removed',
  'too_large',
  'too_many_captions',
  'tus_version',
  'upload_busy',
  'upload_gone',
  'upload_not_found',
  'video_not_found',
  'wrong_status',
  'wrong_storage',
] as const

export type ProblemCode = (typeof problemCodes)[number]

/** @param detail for people: what is wrong and what to do */
export function problem(status: number, code: ProblemCode, detail: string, headers?: HeadersInit): Response {
  const request = currentRequest()
  if (request) request.code = code
  const all = new Headers(headers)
  all.set('Content-Type', 'application/problem+json')
  all.set('Cache-Control', 'no-store')
  if (request) all.set('X-Request-Id', request.id)
  // With about:blank the title is the status's own phrase (RFC 9457 §4.2.1).
  const title = STATUS_CODES[status]
  const body = { type: 'about:blank', title, status, code, detail, requestId: request?.id }
  return new Response(JSON.stringify(body), { status, headers: all })
}

/** Thrown where the answer is known: the client gets exactly this. */
export class Refusal extends Error {
  readonly status: number
  readonly code: ProblemCode
  readonly headers: HeadersInit | undefined
  constructor(status: number, code: ProblemCode, message: string, headers?: HeadersInit) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export const notFound = () =>
  problem(404, 'video_not_found', 'There is no such video; it may have been deleted.')

const UNDEFINED_TABLE = '42P01'
const SOON = { 'Retry-After': '5' }

/** What a handler threw, as a problem: nothing of ours leaks, what is not the client's doing is logged. */
export function explain(error: unknown): Response {
  if (error instanceof Refusal && error.status < 500) {
    return problem(error.status, error.code, error.message, error.headers)
  }
  const request = currentRequest()
  if (request) request.error = error
  else log.error({ err: error }, 'request failed')
  if (error instanceof Refusal) return problem(error.status, error.code, error.message, SOON)
  if (isDatabaseAway(error)) {
    const sentence = 'The database does not answer. Nothing is lost: try again in a moment.'
    return problem(503, 'database_unavailable', sentence, SOON)
  }
  if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) {
    return problem(503, 'migrations_pending', 'The database is not set up: run `pnpm migrate`.', SOON)
  }
  return problem(500, 'internal', 'Something went wrong here. Try again in a moment.', SOON)
}
