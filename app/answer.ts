// What every route of /api and /media does alike: it answers each method, refuses what another site's
// page makes a browser send, and turns whatever is thrown into a problem.
import { explain, problem } from '#app/problem.ts'
import { currentRequest } from '#app/requests.ts'
import { loadConfig } from '#config'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const SAFE = ['GET', 'HEAD', 'OPTIONS']

const { publicUrl } = loadConfig(process.cwd())
const publicOrigin = publicUrl && new URL(publicUrl).origin

type Handle<Context> = (request: Request, context: Context) => Response | Promise<Response>
type Handlers<Context> = Partial<Record<string, Handle<Context>>>

/** @param given by method; HEAD is answered as GET where it is not among them */
export function route<Context>(given: Handlers<Context>) {
  const handlers: Handlers<Context> = given.GET ? { HEAD: given.GET, ...given } : given
  const allow = [...METHODS.filter(method => handlers[method] && method !== 'OPTIONS'), 'OPTIONS'].join(', ')

  async function answer(request: Request, context: Context): Promise<Response> {
    const handle = currentRequest()?.hasUnknownMethod ? undefined : handlers[request.method]
    try {
      if (handle && (SAFE.includes(request.method) || !isForeign(request.headers, publicOrigin))) {
        return await handle(request, context)
      }
    } catch (error) {
      return explain(error)
    }
    if (handle) {
      return problem(403, 'cross_site', 'This can only be asked for by a page of this site, or by a script.')
    }
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: { Allow: allow } })
    return problem(405, 'method_not_allowed', `This address takes ${allow} only.`, { Allow: allow })
  }
  return {
    ...{ GET: answer, HEAD: answer, POST: answer, PUT: answer },
    ...{ PATCH: answer, DELETE: answer, OPTIONS: answer },
  }
}

/** The same answer to every method. */
export function routeAll<Context>(handle: Handle<Context>) {
  return route(Object.fromEntries(METHODS.map(method => [method, handle])))
}

/**
 * Whether another site's page made a browser send this. Browsers say so in Sec-Fetch-Site, except
 * over plain HTTP on a name that is not localhost: then Origin counts. Scripts send neither.
 * @param trusted the origin of PUBLIC_URL: a proxy may pass on another Host than people see
 */
export function isForeign(headers: Headers, trusted: string | null): boolean {
  const origin = headers.get('Origin')
  if (origin !== null && origin === trusted) return false
  const site = headers.get('Sec-Fetch-Site')
  if (site) return site === 'cross-site' || site === 'same-site'
  if (origin === null) return false
  // The first of several proxies saw what the browser asked for.
  const host = headers.get('X-Forwarded-Host')?.split(',')[0]?.trim() || headers.get('Host')
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()
}
