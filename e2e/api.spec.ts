// The JSON API and the bytes, as a script meets them: what is wrong is said, never a 500.
import { createUpload, idOf } from './stack.ts'
import { expect, test } from './test.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

const WRONG: [method: string, path: string, status: number, body?: string][] = [
  ['GET', `/api/videos/${UNKNOWN}`, 404],
  ['GET', '/api/videos/not-an-id', 404],
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
]

for (const [method, path, status, body] of WRONG) {
  test(`${method} ${path.slice(0, 90)} ${body ?? ''} answers ${status}`, async ({ stack }) => {
    const response = await fetch(stack.url + path, { method, body })
    expect(response.status).toBe(status)
    if (status < 400) return
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
    const problem = await response.json()
    expect(problem).toMatchObject({ status, code: expect.stringMatching(/^[a-z_]+$/) })
    expect(problem.detail.length).toBeGreaterThan(10)
  })
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
    queue: { depth: 0, processing: 0, oldestSeconds: null },
  })
})
