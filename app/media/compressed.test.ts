import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ENCODING_HEADER, LENGTH_HEADER } from './byte-response.ts'
import { compressed, compressedJson } from './compressed.ts'

const TEXT = '#EXTM3U\n'.repeat(100)
const headers = { ETag: '"a"', [LENGTH_HEADER]: '800' }

const ask = (encodings: string | null, status = 200) =>
  compressed(
    new Request('http://a/', encodings === null ? {} : { headers: { 'Accept-Encoding': encodings } }),
    new Response(status === 200 ? TEXT : null, { status, headers }),
  )

test.each(['gzip', 'br, gzip', 'deflate, GZIP;q=0.5', '*', 'gzip; q=1.0'])('%s: by gzip', async encodings => {
  const response = ask(encodings)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    ...{ [ENCODING_HEADER]: 'gzip', vary: 'Accept-Encoding', etag: 'W/"a"' },
  })
  expect(response.headers.has(LENGTH_HEADER)).toBe(false)
  expect(gunzipSync(Buffer.from(await response.arrayBuffer())).toString()).toBe(TEXT)
})

test.each([null, '', 'br', 'gzip;q=0', 'gzip; q=0.0', 'gzipped', 'identity'])(
  '%s: as it is',
  async encodings => {
    const response = ask(encodings)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      ...{ vary: 'Accept-Encoding', etag: '"a"', [LENGTH_HEADER]: '800' },
    })
    expect(response.headers.has(ENCODING_HEADER)).toBe(false)
    expect(await response.text()).toBe(TEXT)
  },
)

test('“not changed” names what the client has', () => {
  const response = ask('gzip', 304)
  expect([response.status, response.headers.get('ETag'), response.body]).toEqual([304, 'W/"a"', null])
})

test.each(['gzip', 'identity'])('JSON to who takes %s', async encoding => {
  const response = compressedJson(new Request('http://a/', { headers: { 'Accept-Encoding': encoding } }), {
    items: ['ä'],
  })
  const isPacked = encoding === 'gzip'
  const body = Buffer.from(await response.arrayBuffer())
  expect(Object.fromEntries(response.headers)).toEqual({
    ...{ 'cache-control': 'no-store', 'content-type': 'application/json', vary: 'Accept-Encoding' },
    ...(isPacked && { [LENGTH_HEADER]: String(body.length), [ENCODING_HEADER]: 'gzip' }),
  })
  expect(JSON.parse((isPacked ? gunzipSync(body) : body).toString())).toEqual({ items: ['ä'] })
})
