import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LENGTH_HEADER, parseRange, planBytes } from '#app/media/byte-response.ts'
import { serveMedia } from '#app/media/serve-media.ts'
import { attemptPrefix, sourceKey } from '#media/keys.ts'
import { openStorage, type Storage } from '#media/storage.ts'

const VIDEO = '01890a5d-ac96-774b-bcce-b302099a8057'
const TOKEN = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
const PREFIX = attemptPrefix(VIDEO, TOKEN)

test.each([
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=2-5', 10, { start: 2, end: 5 }],
  ['bytes=2-', 10, { start: 2, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-30', 10, { start: 0, end: 9 }],
  ['bytes=5-500', 10, { start: 5, end: 9 }],
  ['BYTES=0-1', 10, { start: 0, end: 1 }],
  [`bytes=0-${'9'.repeat(400)}`, 10, { start: 0, end: 9 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=10-20', 10, 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'ignored'],
  ['bytes=5-2', 10, 'ignored'],
  ['bytes=0-1,3-4', 10, 'ignored'],
  ['bytes=-', 10, 'ignored'],
  ['bytes=', 10, 'ignored'],
  ['bytes=a-b', 10, 'ignored'],
  ['bytes=1.5-2', 10, 'ignored'],
  ['bytes=--1', 10, 'ignored'],
  ['items=0-1', 10, 'ignored'],
  ['0-1', 10, 'ignored'],
])('Range: %s of %i bytes', (header, size, expected) => {
  expect(parseRange(header, size)).toEqual(expected)
})

describe('preconditions', () => {
  const file = { key: `${PREFIX}/a.mp4`, sizeBytes: 10, modifiedAt: new Date(0), etag: '"e-1"' }
  test.each<[string, Record<string, string>, number]>([
    ['none', {}, 200],
    ['the same tag', { 'if-none-match': '"e-1"' }, 304],
    ['the same tag, weak, as a proxy that compresses sends it', { 'if-none-match': 'W/"e-1"' }, 304],
    ['one of several', { 'if-none-match': '"x", "e-1"' }, 304],
    ['any', { 'if-none-match': '*' }, 304],
    ['another', { 'if-none-match': '"x"' }, 200],
    ['the same before a range', { 'if-none-match': '"e-1"', range: 'bytes=0-1' }, 304],
    ['a range', { range: 'bytes=0-1' }, 206],
    ['a range of this one', { range: 'bytes=0-1', 'if-range': '"e-1"' }, 206],
    ['a range of another', { range: 'bytes=0-1', 'if-range': '"x"' }, 200],
    ['a range of a weak one', { range: 'bytes=0-1', 'if-range': 'W/"e-1"' }, 200],
    ['a range of a date', { range: 'bytes=0-1', 'if-range': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 200],
    ['beyond the end of another', { range: 'bytes=99-', 'if-range': '"x"' }, 200],
    ['beyond the end', { range: 'bytes=99-' }, 416],
    ['this one and no other', { 'if-match': '"e-1"' }, 200],
    ['one that it is not', { 'if-match': '"x"' }, 412],
  ])('%s', (_what, headers, status) => {
    expect(planBytes('GET', new Headers(headers), file).status).toBe(status)
  })

  test('HEAD ignores Range, as the standard wants', () => {
    const plan = planBytes('HEAD', new Headers({ range: 'bytes=0-1' }), file)
    expect(plan).toMatchObject({ status: 200, range: null })
    expect(plan.headers[LENGTH_HEADER]).toBe('10')
  })

  test('416 says how long the file is, and is not kept', () => {
    const { headers } = planBytes('GET', new Headers({ range: 'bytes=10-' }), file)
    expect(headers).toMatchObject({ 'Content-Range': 'bytes */10', 'Cache-Control': 'no-store' })
  })
})

describe('served from disk', () => {
  let folder: string
  let storage: Storage

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'pgreel-media-'))
    storage = await openStorage(path.join(folder, 'root'))
    await mkdir(path.join(folder, 'scratch/720'), { recursive: true })
    await writeFile(path.join(folder, 'scratch/720/1.m4s'), 'abcdefghij')
    await writeFile(path.join(folder, 'scratch/master.m3u8'), '#EXTM3U\n')
    await writeFile(path.join(folder, 'scratch/empty.bin'), '')
    await storage.putTree(path.join(folder, 'scratch'), PREFIX)
    await writeFile(path.join(storage.sourcesDir, VIDEO), 'private')
  })

  afterAll(() => rm(folder, { recursive: true }))

  const get = (key: string, headers = {}, method = 'GET') =>
    serveMedia(storage, new Request('http://h/', { headers, method }), key.split('/'))

  test('the whole file, to be kept for ever by anyone', async () => {
    const response = await get(`${PREFIX}/720/1.m4s`)
    expect(response?.status).toBe(200)
    expect(await response?.text()).toBe('abcdefghij')
    expect(Object.fromEntries(response?.headers ?? [])).toMatchObject({
      'accept-ranges': 'bytes',
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; sandbox",
      'content-type': 'video/iso.segment',
      'x-content-type-options': 'nosniff',
      [LENGTH_HEADER]: '10',
    })
  })

  test('a part', async () => {
    const response = await get(`${PREFIX}/720/1.m4s`, { range: 'bytes=-4' })
    expect(response?.status).toBe(206)
    expect(response?.headers.get('content-range')).toBe('bytes 6-9/10')
    expect(await response?.text()).toBe('ghij')
  })

  test('HEAD, 304 and 416 have no body', async () => {
    const key = `${PREFIX}/master.m3u8`
    const head = await get(key, {}, 'HEAD')
    expect(head?.headers.get('content-type')).toBe('application/vnd.apple.mpegurl')
    const etag = head?.headers.get('etag') ?? ''
    const unchanged = await get(key, { 'if-none-match': etag })
    const beyond = await get(key, { range: 'bytes=99-' })
    expect([head?.status, unchanged?.status, beyond?.status]).toEqual([200, 304, 416])
    expect([head?.body, unchanged?.body, beyond?.body]).toEqual([null, null, null])
  })

  test('an empty file is 200 with nothing', async () => {
    const response = await get(`${PREFIX}/empty.bin`)
    expect(response?.status).toBe(200)
    expect(await response?.text()).toBe('')
  })

  test.each([
    sourceKey(VIDEO),
    PREFIX,
    `${PREFIX}/720`,
    `${PREFIX}/nothing`,
    `~1.abc/${PREFIX}/master.m3u8`,
    'storage-id',
    `videos/../sources/${VIDEO}`,
  ])('%s is not there', async key => {
    expect(await get(key)).toBeNull()
  })

  test('a segment that decodes to a path is not one', async () => {
    const request = new Request('http://h/')
    for (const name of ['720/../../x', '../../../storage-id', '720\\1.m4s', '720/1.m4s\0', '']) {
      expect(await serveMedia(storage, request, ['videos', VIDEO, TOKEN, name])).toBeNull()
    }
  })
})
