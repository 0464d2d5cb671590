// Answers by gzip that are not left to Next.js: playlists, because Apple's authoring rules ask for it
// and they are not on its list of types; the feed, because a stream and a thread for each small answer
// are what its latency would be made of.
import { gzipSync } from 'node:zlib'
import { ENCODING_HEADER, LENGTH_HEADER } from './byte-response.ts'

/** @param whole a playlist's answer, whose status may be any; parts of it stay as they are */
export function compressed(request: Request, whole: Response): Response {
  if (whole.status !== 200 && whole.status !== 304) return whole
  const headers = new Headers(whole.headers)
  headers.set('Vary', 'Accept-Encoding')
  if (!takesGzip(request.headers)) return new Response(whole.body, { status: whole.status, headers })
  headers.delete(LENGTH_HEADER)
  // Not the stored bytes any more: a range of these must not be joined with one of those (RFC 9110 §8.8.1).
  const etag = headers.get('ETag')
  if (etag) headers.set('ETag', `W/${etag}`)
  if (whole.status === 200) headers.set(ENCODING_HEADER, 'gzip')
  const body = whole.body?.pipeThrough(new CompressionStream('gzip')) ?? null
  return new Response(body, { status: whole.status, headers })
}

/** Of what a page of the feed weighs, more effort saves a twentieth. */
const QUICK = { level: 3 }

/** Never kept by anyone: it is asked for to know how things are now. */
export function compressedJson(request: Request, value: unknown): Response {
  const headers = { 'Cache-Control': 'no-store', Vary: 'Accept-Encoding' }
  if (!takesGzip(request.headers)) return Response.json(value, { headers })
  const body = gzipSync(JSON.stringify(value), QUICK)
  const length = { [LENGTH_HEADER]: String(body.length), [ENCODING_HEADER]: 'gzip' }
  return new Response(body, { headers: { ...headers, ...length, 'Content-Type': 'application/json' } })
}

/** RFC 9110 §12.5.3; `gzip;q=0` is a refusal. */
function takesGzip(request: Headers): boolean {
  const codings = (request.get('Accept-Encoding') ?? '').toLowerCase().split(',')
  return codings.some(coding => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$)[\d.]+\s*)?$/.test(coding))
}
