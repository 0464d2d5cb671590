// Requests for media, fair and foul, and what must be equal in the answers of the web process and of
// nginx: everything, but for the differences that are written here with their reasons.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'playwright/test'
import type { Video } from '#app/video.ts'
import { type Answer, ask } from './nginx.ts'
import type { Stack } from './stack.ts'

interface MediaRequest {
  method?: string
  /** KEY stands for `/media/videos/<id>/<token>`, ID for the video's id */
  path: string
  /** ETAG stands for video.mp4's */
  headers?: Record<string, string>
  /** where nginx answers with another status: which, and why that is as good */
  nginx?: [status: number, why: string]
}

const SLASHES = 'The web process redirects to the address without the slash; nginx answers at once.'
const MALFORMED = 'RFC 9110 §14.2: a malformed range may be ignored or refused.'
const LATER = 'Thu, 01 Jan 2099 00:00:00 GMT'

export const MEDIA_REQUESTS: MediaRequest[] = [
  ...['master.m3u8', 'v240/index.m3u8', 'v240/init.mp4', 'v240/00000.m4s', 'video.mp4', 'poster.jpg'].flatMap(
    name => [{ path: `KEY/${name}` }, { path: `KEY/${name}`, method: 'HEAD' }],
  ),
  ...['captions.vtt', 'sprite.webp', 'data.json', 'page.html', 'no-ending', 'LOUD.MP4', 'empty.json'].map(
    name => ({ path: `KEY/${name}` }),
  ),
  { path: 'KEY/video.mp4?token=1' },
  { path: 'KEY/%76ideo.mp4' },
  ...['0-9', '10-', '-10', '0-1,5-6', '-0', '999999999-'].map(range => ({
    path: 'KEY/video.mp4',
    headers: { Range: `bytes=${range}` },
  })),
  { path: 'KEY/video.mp4', headers: { Range: 'lines=1-2' } },
  { path: 'KEY/video.mp4', headers: { Range: 'bytes=5-2' }, nginx: [416, MALFORMED] },
  { path: 'KEY/video.mp4', headers: { Range: 'bytes=abc' }, nginx: [416, MALFORMED] },
  {
    ...{ path: 'KEY/video.mp4', method: 'HEAD', headers: { Range: 'bytes=0-9' } },
    nginx: [206, 'RFC 9110 §14.2 defines ranges for GET alone; nginx has no way to be told.'],
  },
  {
    ...{ path: 'KEY/empty.json', headers: { Range: 'bytes=0-' } },
    nginx: [200, 'RFC 9110 §14.2 allows it; no published file is empty.'],
  },
  ...['ETAG', 'W/ETAG', '"other"', '*'].map(tag => ({
    path: 'KEY/video.mp4',
    headers: { 'If-None-Match': tag },
  })),
  ...['ETAG', '"other"', '*'].map(tag => ({ path: 'KEY/video.mp4', headers: { 'If-Match': tag } })),
  ...['ETAG', '"other"', LATER].map(validator => ({
    path: 'KEY/video.mp4',
    headers: { Range: 'bytes=0-9', 'If-Range': validator },
  })),
  { path: 'KEY/video.mp4', headers: { 'If-Modified-Since': LATER } },
  {
    ...{ path: 'KEY/video.mp4', method: 'OPTIONS' },
    headers: { Origin: 'https://player.example', 'Access-Control-Request-Method': 'GET' },
  },
  ...['POST', 'PUT', 'DELETE', 'PATCH'].map(method => ({ path: 'KEY/video.mp4', method })),

  // What is not there, and what is there but no published file.
  ...['KEY/none.mp4', 'KEY/v240', 'KEY', '/media/videos/ID', '/media/videos', '/media'].map(p => ({
    path: p,
  })),
  ...['KEY/v240/', 'KEY/', '/media/videos/', '/media/'].map(p => ({
    path: p,
    nginx: [404, SLASHES] satisfies [number, string],
  })),
  { path: 'KEY//video.mp4', nginx: [200, SLASHES] },
  ...['.hidden', 'link.mp4', 'linked/index.m3u8', 'pipe.mp4', '~x', 'video.mp4%0a', 'video.mp4/x'].map(
    name => ({
      path: `KEY/${name}`,
    }),
  ),
  { path: 'KEY/video.mp4%00', nginx: [400, 'nginx takes no NUL in any address.'] },
  { path: 'KEY/%zz' },
  // Ways out of the folder, or to the sources beside it.
  { path: 'KEY/v240/../video.mp4' },
  { path: 'KEY/v240/%2e%2e/video.mp4' },
  { path: 'KEY/v240%2f00000.m4s' },
  ...[
    ...['/media/sources/ID', '/media/storage-id', '/media/.trash', '/media/videos/../sources/ID'],
    ...['KEY/../../../storage-id', 'KEY/../../../sources/ID', 'KEY/..%2f..%2f..%2fsources%2fID'],
    ...['KEY/../../../../storage-id', 'KEY/..%5c..%5c..%5cstorage-id', '/media/videos%2f..%2fsources%2fID'],
    ...['KEY/%2e%2e/%2e%2e/%2e%2e/sources/ID', 'KEY/%252e%252e/%252e%252e/%252e%252e/sources/ID'],
    ...['/media../storage-id', '/media/~1.x/../sources/ID', '/media/%7e1.x/sources/ID', '/MEDIA/sources/ID'],
    ...['/media/~1.x/videos/ID/master.m3u8'],
  ].map(p => ({ path: p })),
]

const COMPARED = [
  ...['content-type', 'content-length', 'content-range', 'content-encoding', 'accept-ranges', 'etag'],
  ...['last-modified', 'cache-control', 'access-control-allow-origin', 'access-control-expose-headers'],
  ...['access-control-allow-methods', 'access-control-allow-headers', 'access-control-max-age', 'location'],
  ...['content-security-policy', 'x-content-type-options', 'referrer-policy'],
]

const DIFFERENCES: [isFor: (status: number) => boolean, header: string, why: string][] = [
  [status => status === 206 || status === 304, 'accept-ranges', 'Content-Range and the ETag say as much.'],
  [status => status === 304, 'content-type', 'The client has it; RFC 9110 §15.4.5 asks for the others.'],
  [status => status === 204, 'content-security-policy', 'More than is needed: there is no body.'],
  // Errors have a body of their own: the web process sends none with these, or chunks.
  ...['content-length', 'content-type', 'etag', 'accept-ranges'].map((name): (typeof DIFFERENCES)[number] => [
    status => [400, 405, 412, 416].includes(status),
    name,
    'It is a page that nginx made.',
  ]),
  [status => status === 404, 'content-length', 'The web process sends it in chunks.'],
  [status => status === 400, 'cache-control', 'No cache keeps a 400 that does not say how long.'],
  ...COMPARED.filter(name => /^(access|content-sec|cache|x-c|ref)/.test(name)).map(
    (name): (typeof DIFFERENCES)[number] => [
      status => status === 400 || status === 405,
      name,
      'Only nginx or only the web process says it, and it does no harm with an error like these.',
    ],
  ),
]

/** Fails unless nginx answered as the web process did, or as the request's own entry says. */
export function expectSame(asked: MediaRequest, web: Answer, nginx: Answer): void {
  const about = `${asked.method ?? 'GET'} ${asked.path} ${JSON.stringify(asked.headers ?? {})}`
  expect(nginx.status, about).toBe(asked.nginx?.[0] ?? web.status)
  if (asked.nginx) {
    expect(web.status, `${about}: no difference any more`).not.toBe(nginx.status)
    return
  }
  const allowed = DIFFERENCES.filter(([isFor]) => isFor(web.status)).map(([, header]) => header)
  const compared = COMPARED.filter(name => !allowed.includes(name))
  expect(pick(nginx, compared), about).toEqual(pick(web, compared))
  if (web.status < 300) expect(nginx.body.equals(web.body), `${about}: the bytes`).toBe(true)
}

function pick({ status, headers }: Answer, names: string[]): Record<string, string | undefined> {
  const value = (name: string) => {
    // A page's scripts have a new number in each answer.
    const all = headers[name]?.toString().replace(/nonce-[\w-]+/, 'nonce')
    // Said to Next's own compression; nginx compresses text as it should, with a weak ETag.
    if (name === 'cache-control')
      return status === 416 ? /no-store/.exec(all ?? '')?.[0] : all?.replace(', no-transform', '')
    // Twice in a 416 of nginx's, which means the same.
    return [...new Set(all?.split(', '))].join(', ')
  }
  return Object.fromEntries(names.map(name => [name, value(name)]))
}

/** Lays beside a video's files what the requests above are after: other types, and traps. */
export async function prepareMedia({ url, dataDir }: Stack, { id, mp4Url }: Video) {
  const folder = path.posix.dirname(new URL(mp4Url ?? '', url).pathname)
  const storage = path.join(dataDir, 'storage')
  const disk = path.join(storage, folder.replace('/media/', ''))
  const names = [
    'long.m3u8',
    'captions.vtt',
    'sprite.webp',
    'data.json',
    'page.html',
    'no-ending',
    'LOUD.MP4',
    '.hidden',
  ]
  for (const name of names) await writeFile(path.join(disk, name), 'x'.repeat(1000))
  await writeFile(path.join(disk, 'empty.json'), '')
  const source = path.join(storage, 'sources', id)
  await symlink(source, path.join(disk, 'link.mp4'))
  await symlink('v240', path.join(disk, 'linked'))
  execFileSync('mkfifo', [path.join(disk, 'pipe.mp4')])
  const big = randomBytes(9 * 1024 * 1024)
  await writeFile(path.join(disk, 'big.mp4'), big)
  const secrets = [
    (await readFile(source)).subarray(0, 2000),
    await readFile(path.join(storage, 'storage-id')),
  ]
  const etag = (await ask(url, `${folder}/video.mp4`)).headers.etag ?? ''
  return { id, folder, etag, secrets, big }
}
