// What is done to every request beside Next.js, on Node's own objects: its id and its line in the log,
// and the few things that Next.js does to API and media which are wrong there.
import diagnostics from 'node:diagnostics_channel'
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { log } from '#app/log.ts'
import { ENCODING_HEADER, LENGTH_HEADER } from '#app/media/byte-response.ts'
import { pagePolicy } from '#app/page-policy.ts'
import { type CurrentRequest, requests } from '#app/requests.ts'
import { loadConfig } from '#config'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const SAFE = ['GET', 'HEAD', 'OPTIONS']
const { mediaBaseUrl } = loadConfig(process.cwd())
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Call once, when the server starts. Next.js gives no access to its server: Node's channel does. */
export function attendRequests(): void {
  diagnostics.subscribe('http.server.request.start', message => {
    attend(message as Exchange & { server: HttpServer })
  })
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
}

function attend({ server, request, response }: Exchange & { server: HttpServer }): void {
  // Node answers 408 to any request that takes over 300 s; a chunk over a slow line takes longer.
  server.requestTimeout = 0
  const { 'x-request-id': given } = request.headers
  const id = typeof given === 'string' && REQUEST_ID.test(given) ? given : crypto.randomUUID()
  const current: CurrentRequest = { id, incoming: request, hasEnded: false }
  requests.enterWith(current)
  follow({ request, response }, current)
  mendRequest(request, current)
}

function follow({ request, response }: Exchange, current: CurrentRequest): void {
  const started = performance.now()
  // As it was asked, before anything is mended.
  const { method = '' } = request
  const path = (request.url ?? '').split('?')[0] ?? ''
  const [, area] = path.split('/')
  if (area === 'api') response.setHeader('X-Request-Id', current.id)
  if (area === 'api' || area === 'media') {
    mendHeaders(response)
  } else {
    mendStatus(response, current)
    limitPage({ request, response })
  }
  response.once('close', () => {
    current.hasEnded = true
    const hasFailed = response.statusCode >= 500 || current.error !== undefined
    const level = hasFailed ? 'error' : levelOf(area, method, response.statusCode)
    if (!level) return
    log[level](
      {
        requestId: current.id,
        ...{ method, path, status: response.headersSent ? response.statusCode : null },
        ms: Math.round(performance.now() - started),
        ...{ code: current.code, err: current.error },
      },
      response.writableFinished ? 'request answered' : 'request broken off',
    )
  })
}

/** Next.js gives its scripts the number that it finds in the request's policy: nobody else may put one there. */
function limitPage({ request, response }: Exchange): void {
  const isDevelopment = process.env.NODE_ENV === 'development'
  const policy = pagePolicy(crypto.randomUUID(), mediaBaseUrl, isDevelopment)
  request.headers['content-security-policy'] = policy
  response.setHeader('Content-Security-Policy', policy)
}

/** Whatever changes something and whatever is refused; of bytes and pages nothing. */
function levelOf(area: string | undefined, method: string, status: number): 'info' | null {
  return area === 'api' && (status >= 400 || !SAFE.includes(method)) ? 'info' : null
}

/** Next.js answers 500 or an empty 400 to these before any route runs: a route says what is wrong. */
function mendRequest(request: IncomingMessage, current: CurrentRequest): void {
  if (!METHODS.includes(request.method ?? '')) {
    request.method = 'PUT'
    current.hasUnknownMethod = true
  }
  try {
    decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
  } catch {
    // URIError, the only thing it throws
    request.url = '/api/malformed'
  }
}

/**
 * Next.js drops the Content-Length that a route sets, without which some players cannot seek, and the
 * Content-Encoding: media say them under other names. And it adds its own headers to Vary, whatever the route is: some CDNs
 * keep nothing that varies by more than Accept-Encoding.
 */
function mendHeaders(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response)
  response.setHeader = (name, value) => {
    const lower = name.toLowerCase()
    if (lower === LENGTH_HEADER) return setHeader('Content-Length', String(value))
    if (lower === ENCODING_HEADER) return setHeader('Content-Encoding', String(value))
    if (lower !== 'vary') return setHeader(name, value)
    const fields = String(value).split(',')
    const ours = fields.filter(field => !/^(rsc$|next-)/i.test(field.trim()))
    return ours.length > 0 ? setHeader(name, ours.join(',').trim()) : response
  }
}

/** A page without its database is 503: Next.js knows 500 alone. */
function mendStatus(response: ServerResponse, current: CurrentRequest): void {
  const { writeHead } = response
  response.writeHead = (status: number, ...rest: unknown[]) => {
    const isAway = status === 500 && current.code === 'database_unavailable'
    if (isAway) response.setHeader('Retry-After', '5')
    return Reflect.apply(writeHead, response, [isAway ? 503 : status, ...rest])
  }
}
