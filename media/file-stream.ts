// A part of an open file as a web stream that reads only as fast as it is read, and closes the file
// whatever becomes of the reader.
import type { FileHandle } from 'node:fs/promises'

// Each read is a trip to the thread pool: larger is faster, but every slow viewer holds one chunk.
const CHUNK_BYTES = 256 * 1024

/**
 * Not `Readable.toWeb`, which reads ahead (some versions of Node the whole file, for one slow viewer:
 * https://github.com/nodejs/node/issues/46347) and knows nothing of a signal.
 * @param handle belongs to the stream from here on
 * @param signal closes the file even when nobody ever reads or cancels the stream, as happens when
 *   a client leaves before its response is begun
 */
export function streamFile(
  handle: FileHandle,
  startByte: number,
  lengthBytes: number,
  signal?: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let position = startByte
  let left = lengthBytes
  let closed: Promise<void> | null = null

  const close = (): Promise<void> => {
    signal?.removeEventListener('abort', abort)
    closed ??= handle.close()
    return closed
  }
  let abort = (): void => {}

  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async start(controller) {
        abort = () => {
          controller.error(signal?.reason)
          void close()
        }
        if (signal?.aborted) return abort()
        signal?.addEventListener('abort', abort, { once: true })
        if (left > 0) return
        await close()
        controller.close()
      },
      async pull(controller) {
        // allocUnsafeSlow: a slice of Node's shared pool must not go to a stream that may transfer it.
        const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, left))
        try {
          const { bytesRead } = await handle.read(chunk, 0, chunk.length, position)
          if (closed) return
          // Shorter than its stat said: an error, as the length is promised to the client already.
          if (bytesRead === 0) throw new Error(`the file ended ${left} bytes early`)
          position += bytesRead
          left -= bytesRead
          controller.enqueue(chunk.subarray(0, bytesRead))
        } catch (error) {
          if (closed) return
          await close()
          throw error
        }
        if (left > 0) return
        await close()
        controller.close()
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
}
