// An upload that goes on whatever happens to the server, as Uppy does; and remembers what it was promised.
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { BenchContext } from './context.ts'

const CHUNKS = 3
const GIVES_UP_AFTER_MS = 300_000
const HEADERS = { 'Tus-Resumable': '1.0.0' }
const FILENAME = `filename ${Buffer.from('clip.mp4').toString('base64')}`

interface Sent {
  id: string
  /** promises that were not kept */
  faults: string[]
  /** how often it went on in the middle of a chunk, at what had come of a request that broke off */
  resumed: number
}

/** Half of a body, and then the line is dead. */
async function breakOff(url: string, headers: Record<string, string>, body: Uint8Array): Promise<void> {
  const sent = request(url, {
    method: 'PATCH',
    headers: { ...HEADERS, ...headers, 'Content-Length': String(body.length) },
  })
  sent.on('error', () => {})
  sent.write(body.subarray(0, body.length / 2))
  await delay(50)
  sent.destroy()
  throw new Error('broken off')
}

/** @param reach a server that answers, or may: asked before each request */
export async function stubbornUpload(
  { signal }: Pick<BenchContext, 'signal'>,
  bytes: Uint8Array<ArrayBuffer>,
  reach: () => Promise<string>,
  takeCut: () => boolean = () => false,
): Promise<Sent> {
  const faults: string[] = []
  let id = ''
  let [acknowledged, resumed] = [0, 0]
  const call = async (init: RequestInit) => {
    const target = `${await reach()}/api/uploads${id && `/${id}`}`
    const within = AbortSignal.any([signal, AbortSignal.timeout(15_000)])
    const response = await fetch(target, {
      ...init,
      signal: within,
      headers: { ...HEADERS, ...init.headers },
    })
    if (!response.ok) throw new Error(`${init.method} answered ${response.status}`)
    return response
  }
  const goOn = async () => {
    if (id === '') {
      const headers = { 'Upload-Length': String(bytes.length), 'Upload-Metadata': FILENAME }
      const created = await call({ method: 'POST', headers })
      id = created.headers.get('Location')?.split('/').at(-1) ?? ''
    }
    for (;;) {
      const head = await call({ method: 'HEAD' })
      const offset = Number(head.headers.get('Upload-Offset'))
      if (offset < acknowledged) faults.push(`${acknowledged} bytes were acknowledged, ${offset} are there`)
      if (offset === bytes.length) return
      if (offset > acknowledged) resumed += 1
      const end = Math.min(bytes.length, offset + Math.ceil(bytes.length / CHUNKS))
      const headers = { 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' }
      if (takeCut()) await breakOff(`${await reach()}/api/uploads/${id}`, headers, bytes.slice(offset, end))
      const patched = await call({ method: 'PATCH', headers, body: bytes.slice(offset, end) })
      acknowledged = Number(patched.headers.get('Upload-Offset'))
    }
  }
  const deadline = performance.now() + GIVES_UP_AFTER_MS
  while (performance.now() < deadline) {
    try {
      await goOn()
      return { id, faults, resumed }
    } catch {
      signal.throwIfAborted()
      await delay(200, undefined, { signal })
    }
  }
  return { id, faults: [...faults, 'the upload never came to its end'], resumed }
}
