// How pages talk to the JSON API from the browser: a value, or an error whose message a person can
// act on. Must not know any page.

/** A refusal as the API words it (RFC 9457). */
export interface Problem {
  code: string
  detail: string
}

export class ProblemError extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options)
    this.status = status
    this.code = problem.code
  }
}

/** @throws ProblemError with the server's own sentence, or one of ours when nothing usable came back */
export async function callApi<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, { ...init, headers: { accept: 'application/json', ...init?.headers } })
  } catch (cause) {
    // fetch rejects on abort (the caller's business) and when no answer came at all.
    if (init?.signal?.aborted) throw cause
    const detail = 'The server could not be reached. Check your connection and try again.'
    throw new ProblemError(0, { code: 'unreachable', detail }, { cause })
  }
  const text = await response.text()
  if (!response.ok) throw new ProblemError(response.status, readProblem(response.status, text))
  return JSON.parse(text)
}

/** Reads problem+json; a proxy's HTML page or an empty body gets a sentence from its status. */
export function readProblem(status: number, text: string): Problem {
  const body = parseObject(text)
  return {
    code: typeof body?.code === 'string' ? body.code : `http_${status}`,
    detail: typeof body?.detail === 'string' ? body.detail : sentenceFor(status),
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch {
    // SyntaxError, the only thing JSON.parse throws: not JSON, so not one of our answers.
    return null
  }
}

function sentenceFor(status: number): string {
  if (status === 413) return 'This file is too large for this server.'
  if (status === 415) return 'This file is not a video.'
  if (status === 507) return 'The server has no room left. Try again later.'
  if (status >= 500) return 'The server had a problem. Try again in a moment.'
  return 'The server refused this.'
}
