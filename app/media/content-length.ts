// Gives media responses the Content-Length that Next takes away. Must not know anything else about
// them: the route says the length under another name.
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { LENGTH_HEADER } from './byte-response.ts'

/**
 * Call once, when the server starts (instrumentation.ts). Without it everything still works, in
 * chunks of unknown length: no progress of downloads, no size from HEAD, some players cannot seek.
 */
export function restoreContentLength(): void {
  subscribe('http.server.request.start', message => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    if (request.url?.startsWith('/media/')) renameLength(response)
  })
}

function renameLength(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response)
  response.setHeader = (name, value) => {
    if (name.toLowerCase() !== LENGTH_HEADER) return setHeader(name, value)
    return setHeader('Content-Length', Array.isArray(value) ? String(value[0]) : String(value))
  }
}
