// Uploads as a browser sends them, cheaply: the bytes are one block of memory again and again.
import { randomBytes } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** As app/upload/create-uppy.ts cuts files. */
export const CHUNK_BYTES = 8 * 1024 * 1024

const WRITE_BYTES = 64 * 1024
const block = randomBytes(WRITE_BYTES)
const agent = new Agent({ keepAlive: true })

interface Upload {
  /** where uploads are created */
  endpoint: string
  bytes: number
  /** called before each write; none: as fast as the server takes them */
  pace?: (bytes: number) => Promise<void>
  signal?: AbortSignal
}

/** @returns the upload's id */
export async function upload({ endpoint, bytes, pace, signal }: Upload): Promise<string> {
  const filename = Buffer.from('clip.mp4').toString('base64')
  const filetype = Buffer.from('video/mp4').toString('base64')
  const created = await send(endpoint, signal, {
    method: 'POST',
    headers: { 'Upload-Length': bytes, 'Upload-Metadata': `filename ${filename},filetype ${filetype}` },
  })
  const location = new URL(created.headers.location ?? '', endpoint)
  for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, bytes - offset)
    const headers = {
      'Upload-Offset': offset,
      'Content-Type': 'application/offset+octet-stream',
      'Content-Length': length,
    }
    await send(location.href, signal, { method: 'PATCH', headers }, Readable.from(blocks(length, pace)))
  }
  return location.pathname.split('/').at(-1) ?? ''
}

async function* blocks(length: number, pace: Upload['pace']): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < length; sent += WRITE_BYTES) {
    const part = block.subarray(0, Math.min(WRITE_BYTES, length - sent))
    await pace?.(part.length)
    yield part
  }
}

function send(
  url: string,
  signal: AbortSignal | undefined,
  { method, headers }: { method: string; headers: Record<string, string | number> },
  body?: Readable,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const all = { 'Tus-Resumable': '1.0.0', ...headers }
    const sent = request(url, { method, agent, signal, headers: all }, response => {
      response
        .once('error', reject)
        .once('end', () => resolve(response))
        .resume()
      if ((response.statusCode ?? 500) >= 400)
        reject(new Error(`${method} ${url} answered ${response.statusCode}`))
    })
    sent.once('error', reject)
    // At once: a connection without a request is closed after some seconds, and a pause may be longer.
    sent.flushHeaders()
    if (body) pipeline(body, sent).catch(reject)
    else sent.end()
  })
}
