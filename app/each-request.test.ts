// Real requests to a real server: what app/each-request.ts hangs on Node's diagnostics channel.
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as afterAwait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LENGTH_HEADER } from '#app/media/byte-response.ts'
import { requestId } from '#app/requests.ts'
import { attendRequests } from './each-request.ts'

const seen: { url: string; method: string; requestId: string | undefined }[] = []
// As Next.js does: its own Vary first, then a route's headers, the real length left out.
const server = createServer(async (request, response) => {
  response.setHeader('vary', 'rsc, next-router-state-tree')
  await afterAwait()
  seen.push({ url: request.url ?? '', method: request.method ?? '', requestId: requestId() })
  response.setHeader('Vary', ['rsc, next-router-state-tree', 'Accept-Encoding'])
  response.setHeader(LENGTH_HEADER, ['5'])
  response.write('ab')
  response.end('cde')
})
let url = ''

beforeAll(async () => {
  attendRequests()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

test('a request may take as long as it needs: an upload over a slow line is not cut after 300 s', async () => {
  expect(server.requestTimeout).toBeGreaterThan(0)
  await fetch(url)
  expect(server.requestTimeout).toBe(0)
})

test.each(['/media/%ff', '/%zz', '/api/videos/%E0%A4'])(
  '%s goes to the route that says what is wrong',
  async path => {
    await fetch(url + path)
    expect(seen.at(-1)?.url).toBe('/api/malformed')
  },
)

test.each(['/v/1?q=%zz', '/media/a%20b', '/'])('%s is left alone', async path => {
  await fetch(url + path)
  expect(seen.at(-1)?.url).toBe(path)
})

test('TRACE goes to the routes as a method that none of them takes', async () => {
  const request = send(`${url}/api/videos`, { method: 'TRACE' })
  request.end()
  const [response] = await once(request, 'response')
  response.resume()
  expect(seen.at(-1)?.method).toBe('PUT')
})

test.each(['/media/x', '/api/x'])('%s has its length and no Vary of pages', async path => {
  const response = await fetch(url + path)
  expect(await response.text()).toBe('abcde')
  expect(response.headers.get('Content-Length')).toBe('5')
  expect(response.headers.get('Vary')).toBe('Accept-Encoding')
})

test('pages keep the Vary that their router needs', async () => {
  const { headers } = await fetch(`${url}/v/1`)
  expect(headers.get('Vary')).toContain('next-router-state-tree')
  expect(headers.get('X-Request-Id')).toBeNull()
})

test('a client’s request id is kept and told, and known after every await', async () => {
  const { headers } = await fetch(`${url}/api/videos`, { headers: { 'X-Request-Id': 'from.proxy_7-a' } })
  expect(headers.get('X-Request-Id')).toBe('from.proxy_7-a')
  expect(seen.at(-1)?.requestId).toBe('from.proxy_7-a')
})

test.each(['', 'a b', 'x'.repeat(65), '{"a":1}', 'é'])(
  'the request id %j is replaced by one of ours',
  async id => {
    const { headers } = await fetch(`${url}/api/videos`, { headers: { 'X-Request-Id': id } })
    expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(seen.at(-1)?.requestId).toBe(headers.get('X-Request-Id'))
  },
)

test('requests at the same time keep to their own ids', async () => {
  const ids = ['a', 'b', 'c', 'd']
  const told = ids.map(id => fetch(`${url}/api/x`, { headers: { 'X-Request-Id': id } }))
  expect((await Promise.all(told)).map(({ headers }) => headers.get('X-Request-Id'))).toEqual(ids)
  expect(
    seen
      .slice(-4)
      .map(one => one.requestId)
      .sort(),
  ).toEqual(ids)
})
