// What HTTP says about a request for stored bytes: status, headers, and which bytes. Pure; must not
// know storage or Next. Every key's bytes are immutable, so the answers may be kept for ever.
import { contentType } from '#media/content-type.ts'
import type { ByteRange, StoredFile } from '#media/storage.ts'

/**
 * Next drops a Content-Length or Content-Encoding that a route sets (next/dist/server/send-response.js,
 * since a fetched response may have been decoded), and some players do not seek without a length:
 * app/each-request.ts turns these names into the real ones.
 */
export const LENGTH_HEADER = 'x-media-length'
export const ENCODING_HEADER = 'x-media-encoding'

export interface ByteResponse {
  status: 200 | 206 | 304 | 412 | 416
  headers: Record<string, string>
  /** the bytes to send; null: no body */
  range: ByteRange | null
}

/** For every answer, errors too: a player on another origin must be able to see a 404. */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Accept-Ranges, Content-Length, Content-Range, ETag',
}

export const PREFLIGHT_HEADERS = {
  ...CORS_HEADERS,
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers': 'Range, If-Range, If-Match, If-None-Match',
  'Access-Control-Max-Age': '86400',
}

/** Preconditions in the order of RFC 9110 §13.2.2, then the range (§14.2). */
export function planBytes(method: string, request: Headers, file: StoredFile): ByteResponse {
  const { etag, sizeBytes } = file
  const headers = { ...commonHeaders(file), ETag: etag }
  const ifMatch = request.get('if-match')
  if (ifMatch !== null && !matches(ifMatch, etag)) return { status: 412, headers, range: null }
  const ifNoneMatch = request.get('if-none-match')
  if (ifNoneMatch !== null && matches(ifNoneMatch.replaceAll('W/', ''), etag)) {
    return { status: 304, headers, range: null }
  }
  const whole = { start: 0, end: sizeBytes - 1 }
  const all: ByteResponse = {
    status: 200,
    headers: { ...headers, [LENGTH_HEADER]: String(sizeBytes) },
    range: method === 'GET' && sizeBytes > 0 ? whole : null,
  }
  // Ranges are defined for GET alone (§14.2). A validator that is not exactly this one, dates
  // included, asks for the whole (§13.1.5).
  const header = request.get('range')
  const ifRange = request.get('if-range')
  if (method !== 'GET' || header === null || (ifRange !== null && ifRange !== etag)) return all
  const range = parseRange(header, sizeBytes)
  switch (range) {
    case 'ignored':
      return all
    case 'unsatisfiable':
      // A cache must not keep what is true of one Range header for the whole URL.
      return {
        status: 416,
        headers: { ...headers, 'Cache-Control': 'no-store', 'Content-Range': `bytes */${sizeBytes}` },
        range: null,
      }
    default:
      return {
        status: 206,
        headers: {
          ...headers,
          'Content-Range': `bytes ${range.start}-${range.end}/${sizeBytes}`,
          [LENGTH_HEADER]: String(range.end - range.start + 1),
        },
        range,
      }
  }
}

/**
 * One range of bytes (RFC 9110 §14.1.2). Malformed ones and several at once are ignored, as §14.2
 * allows: no player asks for several, and overlapping ones are a known way to exhaust a server.
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | 'ignored' | 'unsatisfiable' {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'ignored'
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0) return 'unsatisfiable'
    // Satisfiable by definition, yet Content-Range cannot write a range of nothing: send the whole.
    if (sizeBytes === 0) return 'ignored'
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes - 1 }
  }
  const start = Number(first)
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last)
  if (end < start) return 'ignored'
  if (start >= sizeBytes) return 'unsatisfiable'
  return { start, end: Math.min(end, sizeBytes - 1) }
}

function commonHeaders({ key }: StoredFile): Record<string, string> {
  const type = contentType(key)
  return {
    ...CORS_HEADERS,
    'Accept-Ranges': 'bytes',
    // Next's compress would gzip text behind the strong ETag and inside of a 206; no-transform is
    // what it obeys. A proxy in front that knows better may still compress.
    'Cache-Control': `public, max-age=31536000, immutable${isCompressible(type) ? ', no-transform' : ''}`,
    'Content-Type': type,
    // Uploaded bytes, once transcoded: should they ever look like a page, it can do nothing.
    'Content-Security-Policy': "default-src 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
  }
}

function isCompressible(type: string): boolean {
  return type.startsWith('text/') || type === 'application/json'
}

/** `*` or a list of entity tags (RFC 9110 §8.8.3). Ours contain no comma. */
function matches(list: string, etag: string): boolean {
  return list.trim() === '*' || list.split(',').some(candidate => candidate.trim() === etag)
}
