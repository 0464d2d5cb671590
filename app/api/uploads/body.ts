// The bytes of a PATCH, from Node's own stream to the file. Next.js and then @tus/server would lead each
// chunk through web streams, at twice the CPU and most of the garbage (bench/upload.ts). tus is given
// a body without bytes in its place, which ends when the real one has been written.
import type { IncomingMessage } from 'node:http'
import type { Readable, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { ERRORS } from '@tus/utils'
import { requests } from '#app/requests.ts'

const endOf = new WeakMap<IncomingMessage, () => void>()

/** Only where tus has judged the declared length, and Node keeps the client to it. */
export function withoutBytes(request: Request): Request {
  const incoming = requests.getStore()?.incoming
  const declared = Number(request.headers.get('Content-Length'))
  if (request.method !== 'PATCH' || !(declared > 0) || !incoming) return request
  const body = new ReadableStream({
    start(controller) {
      endOf.set(incoming, () => controller.close())
    },
  })
  const options = { method: 'PATCH', headers: request.headers, body, duplex: 'half' } as const
  return new Request(request.url, options)
}

/**
 * Writes the body of the current request; what arrived is kept, however it ends.
 * @param given by tus; it ends early when another request wants the upload, and that is no error
 * @throws ERRORS.ABORTED when the connection broke, and what the file throws as it is
 */
export async function writeBody(given: Readable, file: Writable): Promise<void> {
  const incoming = requests.getStore()?.incoming
  const end = incoming && endOf.get(incoming)
  if (!incoming || !end) return pipeline(given, file)
  let isBroken = false
  const write = (chunk: Buffer) => {
    if (file.write(chunk, () => giveBack(chunk))) return
    incoming.pause()
    file.once('drain', () => incoming.resume())
  }
  // Destroying the request instead would take the connection, and the answer, away.
  const stopReading = () => incoming.off('data', write).pause()
  const stop = () => {
    stopReading()
    file.end()
  }
  const breakOff = () => {
    isBroken = !incoming.complete
    if (isBroken) stop()
  }
  given.once('end', stop).resume()
  incoming.once('error', breakOff).once('close', breakOff).once('end', stop).on('data', write)
  if (incoming.destroyed) breakOff()
  try {
    await finished(file)
  } finally {
    stopReading()
    end()
  }
  if (isBroken) throw ERRORS.ABORTED
}

/**
 * Frees a chunk's memory now. Left to V8, which sees small objects and not the bytes outside its heap,
 * fifty uploads make it collect everything several times a second.
 */
function giveBack({ buffer, byteLength }: Buffer): void {
  // Else others share the memory.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
