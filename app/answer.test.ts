import { expect, test } from 'vitest'
import { isForeign, route } from '#app/answer.ts'

const PUBLIC = 'https://videos.example'

test.each<[title: string, headers: Record<string, string>, trusted: string | null, foreign: boolean]>([
  ['a script', { Host: 'a.example' }, null, false],
  ['an own page', { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://a.example', Host: 'b' }, null, false],
  ['a typed address', { 'Sec-Fetch-Site': 'none', Host: 'a.example' }, null, false],
  ['another site', { 'Sec-Fetch-Site': 'cross-site', Host: 'a.example' }, null, true],
  ['another subdomain', { 'Sec-Fetch-Site': 'same-site', Host: 'a.example' }, null, true],
  ['plain HTTP, own', { Origin: 'http://a.example:3000', Host: 'A.example:3000' }, null, false],
  ['plain HTTP, other', { Origin: 'http://b.example', Host: 'a.example' }, null, true],
  ['plain HTTP, other port', { Origin: 'http://a.example:81', Host: 'a.example' }, null, true],
  ['an opaque origin', { Origin: 'null', Host: 'a.example' }, null, true],
  ['a proxy that rewrites Host', { Origin: PUBLIC, Host: '10.0.0.1:3000' }, PUBLIC, false],
  ['the same, no PUBLIC_URL', { Origin: PUBLIC, Host: '10.0.0.1:3000' }, null, true],
  ['beside PUBLIC_URL, own host', { Origin: 'http://a.example', Host: 'a.example' }, PUBLIC, false],
  ['other scheme than PUBLIC_URL', { Origin: 'http://videos.example', Host: '10.0.0.1' }, PUBLIC, true],
  ['two proxies', { Origin: PUBLIC, Host: 'x', 'X-Forwarded-Host': 'videos.example, inner' }, null, false],
])('%s', (_title, headers, trusted, foreign) => {
  expect(isForeign(new Headers(headers), trusted)).toBe(foreign)
})

test('a method that a route does not take is refused with the ones it takes', async () => {
  const { PUT, OPTIONS } = route({ GET: () => new Response('') })
  const refused = await PUT(new Request('http://a/', { method: 'PUT' }), {})
  expect(refused.status).toBe(405)
  expect(refused.headers.get('Allow')).toBe('GET, HEAD, OPTIONS')
  expect(await refused.json()).toMatchObject({ title: 'Method Not Allowed', code: 'method_not_allowed' })
  const options = await OPTIONS(new Request('http://a/', { method: 'OPTIONS' }), {})
  expect([options.status, options.headers.get('Allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
})
