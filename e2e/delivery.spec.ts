// pgreel behind Debian's nginx, by the files of deploy/nginx: https, uploads, events, and bytes that
// the web process need not serve.
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type BrowserContext, test as base, expect, type Page } from 'playwright/test'
import { makeClip } from '#test/clips.ts'
import { expectSame, MEDIA_REQUESTS, prepareMedia } from './media-requests.ts'
import { type Answer, ask } from './nginx.ts'
import { type Site, withSite } from './site.ts'
import { createUpload, idOf, settled, upload } from './stack.ts'
import { chooseFiles } from './test.ts'

type Media = Awaited<ReturnType<typeof prepareMedia>>

const test = base.extend<object, { site: Site; media: Media; cachedSite: Site }>({
  site: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
    async ({}, use) => withSite({ usesCache: false }, use),
    { scope: 'worker', timeout: 90_000 },
  ],
  media: [
    async ({ site: { stack, clips } }, use) => {
      const id = await upload(stack, await makeClip(clips, 'prepared.mp4', { seconds: 1 }))
      await use(await prepareMedia(stack, await settled(stack, id)))
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  cachedSite: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => withSite({ usesCache: true }, use),
    { scope: 'worker', timeout: 90_000 },
  ],
})
test.use({ ignoreHTTPSErrors: true })

const MIB = 1024 * 1024
const TUS = { 'Tus-Resumable': '1.0.0' }
const CHUNK = { ...TUS, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' }

test('behind https a file is uploaded, followed, and plays in the feed; its bytes come from nginx alone', async ({
  page,
  site,
}) => {
  const { url, plainUrl, clips } = site
  const redirect = await ask(plainUrl, '/upload?x=1')
  expect(redirect).toMatchObject({ status: 301, headers: { location: 'https://localhost/upload?x=1' } })

  await page.goto(`${url}/upload`)
  const created = page.waitForResponse(response => response.request().method() === 'POST')
  await chooseFiles(
    page,
    await makeClip(clips, 'Behind a proxy.mp4', { width: 240, height: 426, seconds: 3 }),
  )
  const response = await created
  const location = new URL((await response.headerValue('Location')) ?? '', response.url())
  expect(location.href).toMatch(`${url}/api/uploads/`)
  const row = page.getByRole('listitem')
  await expect(row.getByText('Ready to watch')).toBeVisible({ timeout: 60_000 })
  await expect(row).toHaveAttribute('data-video-id', idOf(location.href))

  await page.goto(url)
  const article = `article[data-video-id="${idOf(location.href)}"]`
  await expectPlayed(page, `${article} video`)
  const protocol = () =>
    (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming).nextHopProtocol
  expect(await page.evaluate(protocol)).toBe('h2')
  const media = async () => (await site.nginx.answered()).filter(line => line.includes(' /media/'))
  // nginx writes a line once its answer has ended.
  await expect.poll(async () => (await media()).length).toBeGreaterThan(5)
  for (const line of await media()) expect(line).toMatch(/ (200|206|304) - -$/)
})

test('an event passes through nginx at once', async ({ site }) => {
  const { stack, url, nginx } = site
  const { location } = await createUpload(stack, 10, { filename: 'a.mp4', filetype: 'video/mp4' })
  const id = idOf(location)
  const request = httpsRequest(`${url}/api/events?videos=${id}`, {
    ca: nginx.certificate,
    headers: { 'Accept-Encoding': 'gzip' },
  }).end()
  const [response] = await once(request, 'response', { signal: AbortSignal.timeout(5000) })
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const within = { timeout: 2000, intervals: [20] }
  try {
    await expect.poll(() => text, within).toContain('event: video')
    await fetch(`${stack.url}/api/videos/${id}`, { method: 'PATCH', body: '{"title":"Changed meanwhile"}' })
    await expect.poll(() => text, within).toContain('Changed meanwhile')
  } finally {
    request.destroy()
    await fetch(location, { method: 'DELETE', headers: TUS })
  }
})

test('what a broken connection brought is kept, and 100 MB fit in one request', async ({ site }) => {
  const { stack, url, nginx } = site
  const { certificate } = nginx
  const length = 100 * MIB
  const { location } = await createUpload(stack, length + 1, { filename: 'a.mp4', filetype: 'video/mp4' })
  const target = new URL(location).pathname
  const file = path.join(stack.dataDir, 'storage/sources', idOf(location))

  const headers = { ...CHUNK, 'Content-Length': String(length) }
  const broken = httpsRequest(url + target, { method: 'PATCH', ca: certificate, headers })
  broken.on('error', () => {}) // we hang up ourselves
  broken.write(Buffer.alloc(MIB))
  await expect.poll(async () => (await stat(file)).size).toBe(MIB)
  broken.destroy()
  const offset = (answer: Answer) => answer.headers['upload-offset']
  expect(offset(await ask(url, target, { method: 'HEAD', certificate, headers: TUS }))).toBe(String(MIB))

  const rest = { method: 'PATCH', certificate, headers: { ...CHUNK, 'Upload-Offset': String(MIB) } }
  expect(offset(await ask(url, target, { ...rest, body: Buffer.alloc(length - MIB) }))).toBe(String(length))
  await ask(url, target, { method: 'DELETE', certificate, headers: TUS })

  const more = { ...CHUNK, 'Content-Length': String(length + 1) }
  const tooMuch = await ask(url, target, { method: 'PATCH', certificate, headers: more })
  expect(tooMuch).toMatchObject({ status: 413, headers: { 'content-type': 'application/problem+json' } })
})

test('for every request nginx and the web process answer the same, and no source is ever served', async ({
  site: { stack, url, nginx },
  media: { id, folder, etag, secrets },
}) => {
  for (const asked of MEDIA_REQUESTS) {
    const { method = 'GET', headers = {} } = asked
    const target = asked.path.replace('KEY', folder).replace('ID', id)
    const filled = Object.entries(headers).map(([name, value]) => [name, value.replace('ETAG', etag)])
    const question = { method, headers: Object.fromEntries(filled), certificate: nginx.certificate }
    const answers = await Promise.all([ask(stack.url, target, question), ask(url, target, question)])
    expectSame(asked, ...answers)
    for (const { body } of answers) {
      for (const secret of secrets) expect(body.includes(secret), asked.path).toBe(false)
    }
  }
})

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

test('text is compressed, media is not', async ({ site: { url, nginx }, media: { folder } }) => {
  const { certificate } = nginx
  const headers = { 'Accept-Encoding': 'gzip' }
  for (const target of [
    '/',
    '/api/videos',
    ...['long.m3u8', 'captions.vtt'].map(name => `${folder}/${name}`),
  ]) {
    // A video that changes in between is another text.
    await expect(async () => {
      const packed = await ask(url, target, { headers, certificate })
      expect(packed.headers, target).toMatchObject({ 'content-encoding': 'gzip' })
      expect(packed.headers.vary, target).toContain('Accept-Encoding')
      const plain = await ask(url, target, { certificate })
      expect(plain.headers['content-encoding'], target).toBeUndefined()
      // Each page has a number of its own for its scripts.
      const [unpacked, sent] = [gunzipSync(packed.body), plain.body].map(body =>
        body.toString().replaceAll(UUID, ''),
      )
      expect(unpacked === sent, target).toBe(true)
    }).toPass({ timeout: 20_000 })
  }
  const segment = await ask(url, `${folder}/v240/00000.m4s`, { headers, certificate })
  expect(segment.headers['content-encoding']).toBeUndefined()
})

test('a cache on another origin: the second viewer causes no media request behind it', async ({
  browser,
  cachedSite: site,
}) => {
  const { stack, mediaUrl, nginx } = site
  const id = await upload(stack, await makeClip(site.clips, 'cached.mp4', { seconds: 4 }))
  const { hlsUrl } = await settled(stack, id)
  expect(hlsUrl).toMatch(`${mediaUrl}/media/`)
  const watch = async () => {
    const before = (await nginx.answered()).length
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    await watchWhole(context, `${site.url}/v/${id}`)
    await context.close()
    return (await nginx.answered()).slice(before).filter(line => line.includes(' /media/'))
  }
  const [atCache, atOrigin] = [new URL(mediaUrl).port, new URL(site.url).port]
  const first = await watch()
  const wanted = first.filter(line => line.startsWith(atCache)).length
  expect(wanted).toBeGreaterThan(5)
  expect(first.filter(line => line.startsWith(atOrigin))).toHaveLength(wanted)

  const second = await watch()
  expect(second.length).toBeGreaterThan(5)
  for (const line of second) expect(line).toMatch(new RegExp(`^${atCache} GET /media/\\S+ 200 HIT -$`))
})

test('the cache gives ranges, across its slices too, and validators and CORS as the origin does', async ({
  cachedSite: site,
}) => {
  const { stack, url, mediaUrl, clips, nginx } = site
  const id = await upload(stack, await makeClip(clips, 'sliced.mp4', { seconds: 1 }))
  const { folder, big } = await prepareMedia(stack, await settled(stack, id))
  const target = `${folder}/big.mp4`
  const { certificate } = nginx
  const cached = (headers: Record<string, string>, query = '') =>
    ask(mediaUrl, target + query, { certificate, headers })
  const range = { Range: `bytes=${4 * MIB - 5}-${4 * MIB + 4}` }
  for (const status of ['MISS', 'HIT']) {
    const answer = await cached(range, `?${status}`)
    expect(answer).toMatchObject({ status: 206, headers: { 'x-cache-status': status } })
    expect(answer.body.equals(big.subarray(4 * MIB - 5, 4 * MIB + 5))).toBe(true)
  }
  const whole = await cached({})
  expect(whole.body.equals(big)).toBe(true)
  const origin = await ask(url, target, { certificate })
  const compared = ['etag', 'content-type', 'content-length', 'cache-control', 'x-content-type-options']
  for (const name of [...compared, 'access-control-allow-origin', 'content-security-policy']) {
    expect(whole.headers[name], name).toBe(origin.headers[name])
  }
  expect(await cached({ 'If-None-Match': origin.headers.etag ?? '' })).toMatchObject({ status: 304 })
  expect(await cached({ Range: `bytes=${big.length}-` })).toMatchObject({ status: 416 })
  for (const other of [
    `/media/sources/${id}`,
    `${folder}/none.mp4`,
    `${folder}/none.m4s`,
    '/api/videos',
    '/',
  ]) {
    const answer = await ask(mediaUrl, other, { certificate })
    expect(answer.status, other).toBe(404)
  }
})

/** Plays a video's page until its end has been on the screen. */
async function watchWhole(context: BrowserContext, url: string): Promise<void> {
  const page = await context.newPage()
  await page.goto(url)
  await expectPlayed(page, '[data-active] video', 0.9)
}

/** @param part of its duration, that it must come to */
async function expectPlayed(page: Page, selector: string, part = 0.2): Promise<void> {
  const progress = () =>
    page
      .locator(selector)
      .first()
      .evaluate((video: HTMLVideoElement) => video.currentTime / video.duration)
  await expect.poll(progress, { intervals: [50] }).toBeGreaterThan(part)
}
