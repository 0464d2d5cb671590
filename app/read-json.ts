// The body of a request as JSON, no larger than a route needs.
import { Refusal } from '#app/problem.ts'

/** @throws Refusal when it has no length, is larger, or is not JSON */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
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
