// Answers a request for `/media/<key>` from storage. Must not know Next.
import { isPublicKey } from '#media/keys.ts'
import type { Storage } from '#media/storage.ts'
import { planBytes } from './byte-response.ts'
import { compressed } from './compressed.ts'

/**
 * @param segments of the path, decoded; checked again here, as a decoded segment may hold anything
 * @returns null for whatever is not a published file: sources, reserved prefixes, folders, traps
 */
export async function serveMedia(
  storage: Storage,
  request: Request,
  segments: string[],
): Promise<Response | null> {
  const key = segments.join('/')
  const file = isPublicKey(key) ? await storage.stat(key) : null
  if (!file) return null
  const plan = planBytes(request.method, request.headers, file)
  const answer = (body: BodyInit | null) => {
    const response = new Response(body, plan)
    return key.endsWith('.m3u8') ? compressed(request, response) : response
  }
  if (!plan.range) return answer(null)
  // The signal closes the file when the client has left before its response is begun: then nobody
  // would ever read or cancel the stream.
  const open = await storage.open(key, { range: plan.range, signal: request.signal })
  return open ? answer(open.stream) : null
}
