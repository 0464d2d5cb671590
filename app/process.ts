// What the web process needs beyond Next.js: long uploads, a quick end, and no life without its
// launcher.
import diagnostics from 'node:diagnostics_channel'
import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { closeHub } from '#app/api/events/hub.ts'
import { restoreContentLength } from '#app/media/content-length.ts'
import { whenOrphaned } from '#process/told-to-stop.ts'

export function prepareProcess(): void {
  allowLongUploads()
  refuseBrokenAddresses()
  restoreContentLength()
  process.on('SIGTERM', () => void closeHub())
  process.on('SIGINT', () => void closeHub())
  // Whatever started us could be killed before it stops us.
  whenOrphaned(() => process.kill(process.pid, 'SIGTERM'))
}

/**
 * Node answers 408 to any request that takes over 300 s. A chunk over a slow line takes longer, and
 * Next.js gives no access to its server: the first request does.
 */
function allowLongUploads(): void {
  diagnostics.subscribe('http.server.request.start', message => {
    const { server } = message as { server: HttpServer }
    server.requestTimeout = 0
  })
}

/**
 * Next.js answers 500 to a path that is no valid percent-encoding, before any route runs: such a
 * request is sent to a route that says what is wrong.
 */
function refuseBrokenAddresses(): void {
  diagnostics.subscribe('http.server.request.start', message => {
    const { request } = message as { request: IncomingMessage }
    try {
      decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
    } catch {
      // URIError, the only thing it throws
      request.url = '/api/malformed'
    }
  })
}
