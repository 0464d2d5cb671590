import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { LENGTH_HEADER } from '#app/media/byte-response.ts'
import { restoreContentLength } from '#app/media/content-length.ts'

// Next's part: it copies every header of a route's response with appendHeader, except the real length.
const asNextDoes: RequestListener = (request, response) => {
  response.setHeader(LENGTH_HEADER, ['5'])
  response.write('ab')
  response.end(request.url === '/media/x' ? 'cde' : '')
}

test('a media response has its length, and no other response is touched', async () => {
  restoreContentLength()
  const server = createServer(asNextDoes)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const media = await fetch(`http://127.0.0.1:${port}/media/x`)
    expect(await media.text()).toBe('abcde')
    expect(media.headers.get('content-length')).toBe('5')
    expect(media.headers.has(LENGTH_HEADER)).toBe(false)
    const page = await fetch(`http://127.0.0.1:${port}/page`)
    expect(await page.text()).toBe('ab')
    expect(page.headers.get('content-length')).toBeNull()
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
