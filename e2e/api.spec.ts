// The JSON API and the bytes, as a script meets them: what is wrong is said, never a 500.
import { once } from 'node:events'
import { type IncomingMessage, STATUS_CODES, request as send } from 'node:http'
import { text } from 'node:stream/consumers'
import { makeClip } from '#test/clips.ts'
import { createUpload, idOf, settled, upload } from './stack.ts'
import { expect, test } from './test.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

const WRONG: [method: string, path: string, status: number, body?: string][] = [
  ['GET', `/api/videos/${UNKNOWN}`, 404],
  ['GET', '/api/videos/not-an-id', 404],
  ['GET', `/api/videos/${UNKNOWN}/events`, 404],
  ['POST', `/api/videos/${UNKNOWN}/events`, 405],
  ['GET', '/api/videos/%00', 404],
  ['GET', '/api/videos/%zz', 400],
  ['GET', '/media/%ff', 400],
  ['PATCH', `/api/videos/${UNKNOWN}`, 400, '{'],
  ['PATCH', `/api/videos/${UNKNOWN}`, 400, '[]'],
  ['PATCH', `/api/videos/${UNKNOWN}`, 400, '{"title":""}'],
  ['PATCH', `/api/videos/${UNKNOWN}`, 400, '{"owner":"me"}'],
  ['PATCH', `/api/videos/${UNKNOWN}`, 404, '{"title":"new"}'],
  ['DELETE', `/api/videos/${UNKNOWN}`, 404],
  ['POST', `/api/videos/${UNKNOWN}/retry`, 404],
  ['POST', `/api/videos/${UNKNOWN}/cancel`, 404],
  ['GET', '/api/videos?cursor=nonsense', 400],
  ['GET', `/api/videos?cursor=${Buffer.from(`99999999999999999.${UNKNOWN}`).toString('base64url')}`, 200],
  ['GET', `/api/videos?cursor=${Buffer.from(`1.${'-'.repeat(36)}`).toString('base64url')}`, 400],
  ['GET', '/api/videos?limit=0', 400],
  ['GET', '/api/videos?limit=51', 400],
  ['GET', '/api/videos?limit=1e1', 400],
  ['GET', '/api/videos?limit=-1', 400],
  ['GET', `/api/videos?cursor=${Buffer.from(`s1e99_${UNKNOWN}`).toString('base64url')}`, 400],
  ['GET', `/api/videos?cursor=${Buffer.from(`s999999.5_${UNKNOWN}`).toString('base64url')}`, 200],
  ['GET', `/api/videos?sort=new&cursor=${Buffer.from(`s1.5_${UNKNOWN}`).toString('base64url')}`, 400],
  ['GET', `/api/videos?cursor=${'A'.repeat(10_000)}`, 400],
  ['GET', '/api/videos?sort=best', 400],
  ['GET', '/api/videos?sort=', 400],
  ['GET', '/api/videos?q=', 400],
  ['GET', '/api/videos?q=%00', 400],
  ['GET', '/api/videos?q=a%00b', 200],
  ['GET', '/api/videos?q=%ff%fe', 200],
  ['GET', `/api/videos?q=${encodeURIComponent("'; drop table videos; --")}`, 200],
  ['GET', `/api/videos?q=${'a '.repeat(100)}`, 200],
  ['GET', `/api/videos?q=${'a'.repeat(201)}`, 400],
  ['GET', `/api/videos?q=${'x'.repeat(10_000)}`, 400],
  ['GET', '/api/videos?tag=', 400],
  ['GET', '/api/videos?tag=%00', 400],
  ['GET', '/api/videos?tag=two%20words', 400],
  ['GET', `/api/videos?tag=${'x'.repeat(51)}`, 400],
  ['GET', '/api/videos?tag=%25&q=%25_%25', 200],
  ['GET', '/feed.xml?tag=', 400],
  ['PUT', `/api/videos/${UNKNOWN}/like`, 404],
  ['POST', `/api/videos/${UNKNOWN}/views`, 404],
  ['POST', '/api/playbacks', 400, '{"playbacks":[{}]}'],
  ['GET', '/api/events', 400],
  ['GET', '/api/events?videos=a,b', 400],
  [
    'GET',
    `/api/events?videos=${Array(101)
      .fill(0)
      .map((_, index) => UNKNOWN.replace(/.{3}$/, String(100 + index)))
      .join(',')}`,
    400,
  ],
  ['GET', '/media/sources/anything', 404],
  ['GET', '/media/..%2f..%2f..%2fetc%2fpasswd', 404],
  ['GET', `/media/videos/${UNKNOWN}/${UNKNOWN}/..%2f..%2f..%2f..%2fstorage-id`, 404],
  ['GET', `/media/~1.sig/videos/${UNKNOWN}/${UNKNOWN}/master.m3u8`, 404],
  ['GET', '/media', 404],
  ['GET', '/api', 404],
  ['GET', '/api/nothing', 404],
  ['DELETE', '/api/nothing/at/all', 404],
  ['PATCH', `/api/videos/${UNKNOWN}`, 400, '{"visibility":"all"}'],
  ['PATCH', `/api/videos/${UNKNOWN}`, 400, '{}'],
  ['PUT', '/api/videos', 405],
  ['POST', '/api/health', 405],
  ['PROPFIND', '/api/videos', 405],
  ['GET', '/api/uploads', 405],
  ['GET', `/api/videos/${UNKNOWN}/retry`, 405],
  ['DELETE', '/media/videos', 405],
]

for (const [method, path, status, body] of WRONG) {
  test(`${method} ${path.slice(0, 90)} ${body ?? ''} answers ${status}`, async ({ stack }) => {
    const response = await fetch(stack.url + path, { method, body })
    expect(response.status).toBe(status)
    if (status < 400) return
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
    const problem = await response.json()
    expect(problem).toMatchObject({ status, code: expect.stringMatching(/^[a-z_]+$/) })
    expect(problem.title).toBe(STATUS_CODES[status])
    expect(problem.requestId).toBe(response.headers.get('X-Request-Id'))
    expect(problem.detail).toMatch(/^[A-Za-z].{10,200}\.$/)
    // Our own words, not the schema library's.
    expect(problem.detail).not.toMatch(/expected|invalid|unrecognized/i)
    if (status === 405) expect(response.headers.get('Allow')).toMatch(/^([A-Z]+, )+OPTIONS$/)
  })
}

test('TRACE, which no HTTP library may pass on, is a method like any other that is not taken', async ({
  stack,
}) => {
  const request = send(`${stack.url}/api/videos`, { method: 'TRACE' })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(405)
  expect(response.headers).toMatchObject({
    allow: 'GET, HEAD, OPTIONS',
    'content-type': 'application/problem+json',
  })
  expect(JSON.parse(await text(response))).toMatchObject({ code: 'method_not_allowed' })
})

test('HEAD on an event stream answers and opens none', async ({ stack }) => {
  const response = await fetch(`${stack.url}/api/events?videos=${UNKNOWN}`, { method: 'HEAD' })
  expect(response.headers.get('Content-Type')).toMatch(/^text\/event-stream/)
  expect(await response.text()).toBe('')
})

test('whatever is below /media can be kept by any CDN, or says that it must not be', async ({
  stack,
  clips,
}) => {
  const id = await upload(stack, await makeClip(clips, 'cached.mp4', { seconds: 1 }))
  const { hlsUrl, mp4Url } = await settled(stack, id)
  const playlist = new URL(`${hlsUrl}`, stack.url).href
  const rung = new URL((await lines(playlist)).at(-1) ?? '', playlist).href
  const segment = new URL((await lines(rung)).find(line => line.endsWith('.m4s')) ?? '', rung).href
  const mp4 = new URL(`${mp4Url}`, stack.url).href
  const forEver = 'public, max-age=31536000, immutable'
  const bytes = {
    ...{ ...MEDIA, 'accept-ranges': 'bytes', etag: expect.stringMatching(/^"/) },
    'content-security-policy': "default-src 'none'; sandbox",
  }
  const is = { length: expect.stringMatching(/^[1-9]\d*$/) }
  const segmentHeaders = { ...bytes, 'cache-control': forEver, 'content-type': 'video/iso.segment' }
  expect(await headersOf(segment)).toEqual({ ...segmentHeaders, 'content-length': is.length, status: '200' })
  const list = { ...bytes, 'cache-control': forEver, 'content-type': 'application/vnd.apple.mpegurl' }
  const plain = { ...list, vary: 'Accept-Encoding', 'content-length': is.length, status: '200' }
  expect(await headersOf(playlist, { 'Accept-Encoding': 'identity' })).toEqual(plain)
  const { 'content-length': _, ...packed } = plain
  expect(await headersOf(playlist)).toEqual({
    ...{ ...packed, etag: expect.stringMatching(/^W\/"/), 'transfer-encoding': 'chunked' },
    'content-encoding': 'gzip',
  })
  expect(await headersOf(playlist, { Range: 'bytes=0-6' })).toEqual({
    ...{
      ...list,
      'content-length': '7',
      'content-range': expect.stringMatching(/^bytes 0-6\//),
      status: '206',
    },
  })
  const video = { ...bytes, 'content-type': 'video/mp4' }
  expect(await headersOf(mp4, { Range: 'bytes=0-99' })).toEqual({
    ...{ ...video, 'cache-control': forEver, 'content-length': '100', status: '206' },
    'content-range': expect.stringMatching(/^bytes 0-99\/\d+$/),
  })
  expect(await headersOf(mp4, { Range: 'bytes=99999999-' })).toEqual({
    ...{ ...video, 'cache-control': 'no-store', status: '416' },
    ...{ 'content-range': expect.stringMatching(/^bytes \*\/\d+$/), 'transfer-encoding': 'chunked' },
  })
  const { etag } = await headersOf(segment)
  expect(await headersOf(segment, { 'If-None-Match': `${etag}` })).toEqual({
    ...segmentHeaders,
    status: '304',
  })
  expect(await headersOf(`${segment}.gone`)).toEqual({
    ...{ ...MEDIA, 'cache-control': 'no-store', 'content-type': 'application/problem+json', status: '404' },
    ...{ 'transfer-encoding': 'chunked', 'x-request-id': expect.any(String), vary: 'Accept-Encoding' },
    'content-encoding': 'gzip',
  })
  expect(await headersOf(`${stack.url}/api/videos`)).toMatchObject({
    ...{ 'cache-control': 'no-store', vary: 'Accept-Encoding', 'content-type': 'application/json' },
    ...{ 'content-encoding': 'gzip', 'content-length': is.length },
  })
})

// On every answer below /media. Only what is text varies, by its compression.
const MEDIA = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Accept-Ranges, Content-Length, Content-Range, ETag',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'x-content-type-options': 'nosniff',
}

async function headersOf(url: string, headers: HeadersInit = {}): Promise<Record<string, string>> {
  const response = await fetch(url, { headers })
  await response.arrayBuffer()
  const { date: _d, connection: _c, 'keep-alive': _k, ...rest } = Object.fromEntries(response.headers)
  return { ...rest, status: String(response.status) }
}

async function lines(url: string): Promise<string[]> {
  return (await (await fetch(url)).text()).trim().split('\n')
}

test('what another site’s page makes a browser send is refused', async ({ stack }) => {
  const foreign: HeadersInit[] = [{ 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'https://elsewhere.example' }]
  for (const headers of foreign) {
    for (const path of [`/api/videos/${UNKNOWN}/retry`, `/api/videos/${UNKNOWN}/cancel`, '/api/uploads']) {
      const response = await fetch(stack.url + path, { method: 'POST', headers })
      expect(response.status, path).toBe(403)
      expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull()
    }
  }
  const own = await fetch(`${stack.url}/api/videos/${UNKNOWN}/retry`, {
    method: 'POST',
    headers: { Origin: stack.url },
  })
  expect(own.status).toBe(404)
})

test('a title or description with NUL or turned letters becomes harmless text', async ({ stack }) => {
  const { location } = await createUpload(stack, 10, { filename: 'a.mp4', filetype: 'video/mp4' })
  const edit = (body: object) =>
    fetch(`${stack.url}/api/videos/${idOf(location)}`, { method: 'PATCH', body: JSON.stringify(body) })
  const edited = await edit({ title: ' a\u0000b\u202ec\n<i>', description: 'one\r\ntwo\u0000' })
  expect(edited.status).toBe(200)
  expect(await edited.json()).toMatchObject({ title: 'a b c <i>' })
  expect((await edit({ title: '\u0000' })).status).toBe(400)
  expect((await edit({ title: 'x'.repeat(100_000) })).status).toBe(400)
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})

test('health counts workers and says that migrations are current', async ({ stack }) => {
  const response = await fetch(`${stack.url}/api/health`)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({
    status: 'ok',
    workers: { alive: 1, slots: 1 },
    queue: { depth: 0, processing: 0, postponed: 0, oldestSeconds: null, withoutJob: 0 },
  })
})
