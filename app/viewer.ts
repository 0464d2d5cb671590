// Who watches: a browser, by a random id in a cookie that we signed, so that nobody makes up a thousand of
// them. It says nothing about a person, so it is kept as it is; it is given to who likes or views, not before.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { clientOfRequest } from '#app/api/uploads/client.ts'
import { Refusal } from '#app/problem.ts'
import { currentRequest } from '#app/requests.ts'
import { type Server, server } from '#app/server.ts'
import { takeTurn } from '#db/upload-rates.ts'

const COOKIE = 'pgreel_viewer'
const FORM = new RegExp(`(?:^|;) *${COOKIE}=([0-9a-f-]{36})\\.([\\w-]{22}) *(?:;|$)`)
// Browsers keep none longer than 400 days.
const KEPT_SECONDS = 400 * 24 * 3600
// People behind one address are more than uploaders.
const VIEWERS_FOR_AN_UPLOAD = 10

/** Of the request that is being answered; null when it brings no cookie of ours. */
export async function currentViewer(): Promise<string | null> {
  const [, id, signature] = FORM.exec(currentRequest()?.incoming?.headers.cookie ?? '') ?? []
  if (!id || !signature) return null
  const expected = await sign(await server(), id)
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected)) ? id : null
}

export interface Viewer {
  id: string
  /** for the answer: the cookie of one who had none */
  headers: Record<string, string>
}

/** @throws Refusal when one address wants too many */
export async function viewerOrNew(request: Request): Promise<Viewer> {
  const id = await currentViewer()
  if (id !== null) return { id, headers: {} }
  const own = await server()
  const seconds = await secondsToWait(own, request)
  if (seconds > 0) {
    const detail = `Too many new viewers came from your address. Try again in ${seconds} seconds.`
    throw new Refusal(429, 'rate_limited', detail, { 'Retry-After': String(seconds) })
  }
  return newViewer(own, request)
}

/**
 * For counting a view of one who has no cookie: the address stands for it, so that a script that keeps no
 * cookie is one viewer; `next` is who it will be from now on, or null where an address had too many.
 */
export async function viewerByAddress(request: Request): Promise<{ id: string; next: Viewer | null }> {
  const own = await server()
  const client = clientOfRequest(request.headers, own.config.publicUrl !== null)
  const hash = createHmac('sha256', await own.viewerSecret())
    .update(`address ${client}`)
    .digest()
  const id = hash.toString('hex', 0, 16)
  return { id, next: (await secondsToWait(own, request)) > 0 ? null : await newViewer(own, request) }
}

async function secondsToWait({ db, config }: Server, request: Request): Promise<number> {
  if (config.uploadsPerHour === null) return 0
  const client = clientOfRequest(request.headers, config.publicUrl !== null)
  return takeTurn(db, `viewers of ${client}`, config.uploadsPerHour * VIEWERS_FOR_AN_UPLOAD)
}

async function newViewer(own: Server, request: Request): Promise<Viewer> {
  const id = crypto.randomUUID()
  const isSecure =
    own.config.publicUrl?.startsWith('https:') || request.headers.get('X-Forwarded-Proto') === 'https'
  const parts = [
    `${COOKIE}=${id}.${await sign(own, id)}`,
    ...['Path=/', `Max-Age=${KEPT_SECONDS}`, 'HttpOnly', 'SameSite=Lax', ...(isSecure ? ['Secure'] : [])],
  ]
  return { id, headers: { 'Set-Cookie': parts.join('; ') } }
}

async function sign({ viewerSecret }: Server, id: string): Promise<string> {
  const hash = createHmac('sha256', await viewerSecret())
    .update(`viewer ${id}`)
    .digest()
  return hash.subarray(0, 16).toString('base64url')
}
