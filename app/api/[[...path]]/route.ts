// Addresses below /api that no other route has; app/each-request.ts sends those here as well that
// cannot be decoded.

import { routeAll } from '#app/answer.ts'
import { problem } from '#app/problem.ts'

function refuse(request: Request): Response {
  if (new URL(request.url).pathname === '/api/malformed') {
    return problem(400, 'malformed_address', 'The address is not valid percent-encoding.')
  }
  return problem(404, 'not_found', 'There is nothing at this address: check its spelling.')
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeAll(refuse)
