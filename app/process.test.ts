// Real requests to a real server: what app/process.ts hangs on Node's diagnostics channel.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareProcess } from './process.ts'

const seen: string[] = []
const server = createServer((request, response) => {
  seen.push(request.url ?? '')
  response.end()
})
let url = ''

beforeAll(async () => {
  prepareProcess()
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
    expect(seen.at(-1)).toBe('/api/malformed')
  },
)

test.each(['/v/1?q=%zz', '/media/a%20b', '/'])('%s is left alone', async path => {
  await fetch(url + path)
  expect(seen.at(-1)).toBe(path)
})
