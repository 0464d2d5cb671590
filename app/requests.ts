// The request that is being answered: its id, and what its line in the log will say. Follows the
// work it causes through every `await`. Must not know any route.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'

export interface CurrentRequest {
  readonly id: string
  /** as Node has it, for the one body that is too large for web streams (app/api/uploads/body.ts) */
  readonly incoming?: IncomingMessage
  /** TRACE and its like, which reach routes as another one */
  hasUnknownMethod?: boolean
  /** the code of the problem that it is answered with */
  code?: string
  /** what went wrong here; for the log alone */
  error?: unknown
  /** What it started may live on (a pooled connection, a listener) and is not its work any more. */
  hasEnded: boolean
}

const holder = globalThis as typeof globalThis & { pgreelRequests?: AsyncLocalStorage<CurrentRequest> }
holder.pgreelRequests ??= new AsyncLocalStorage()

export const requests = holder.pgreelRequests

export function currentRequest(): CurrentRequest | undefined {
  const request = requests.getStore()
  return request?.hasEnded ? undefined : request
}

export function requestId(): string | undefined {
  return currentRequest()?.id
}
