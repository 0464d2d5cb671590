// Bodies that are small enough to be read at once. Larger ones are tus's business.
import { Refusal } from '#app/problem.ts'

/** @throws Refusal */
export async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  const length = request.headers.get('Content-Length')
  if (length === null || !/^\d{1,15}$/.test(length)) {
    throw new Refusal(411, 'bad_length', 'Say in Content-Length how many bytes you send.')
  }
  if (Number(length) > maxBytes) {
    const detail = `This is too large: send at most ${maxBytes / 1e6} MB.`
    throw new Refusal(413, 'too_large', detail)
  }
  return Buffer.from(await request.arrayBuffer())
}

const MAX_JSON_BYTES = 64 * 1024

/** @throws Refusal when it has no length, is larger, or is not JSON */
export async function readJson(request: Request, maxBytes = MAX_JSON_BYTES): Promise<unknown> {
  if (Number(request.headers.get('Content-Length') ?? Infinity) > maxBytes) {
    throw new Refusal(400, 'bad_length', `Send a Content-Length of at most ${maxBytes} bytes.`)
  }
  try {
    return await request.json()
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refusal(400, 'bad_json', 'The body is not JSON.')
    throw error
  }
}
