// What people do beside watching: they like, they are counted, they search, they pass a video on.
import { type CutClip, cutClip, readyVideo } from '#test/growing.ts'
import { type Stack, storesOf } from './stack.ts'
import { expect, test } from './test.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

let clip: CutClip
let id: string
test.beforeAll(async ({ stack, clips }) => {
  clip = await cutClip(clips, 6)
  id = await readyVideo(storesOf(stack), 'Waves at the #Sea', clip)
})

async function ask(stack: Stack, method: string, path: string, cookie?: string): Promise<Response> {
  return fetch(stack.url + path, { method, headers: cookie ? { Cookie: cookie } : {} })
}

/** As a browser: the first answer's cookie, name and value. */
const cookieOf = (answer: Response) => answer.headers.get('Set-Cookie')?.split(';')[0] ?? ''

test('a thousand likes and views at once are counted exactly', async ({ stack }) => {
  const likes = await Promise.all(
    Array.from({ length: 500 }, () => ask(stack, 'PUT', `/api/videos/${id}/like`)),
  )
  expect(new Set(likes.map(answer => answer.status))).toEqual(new Set([200]))
  const cookies = likes.map(cookieOf)
  expect(new Set(cookies).size).toBe(500)
  const mixed = await Promise.all(
    cookies.flatMap((cookie, index) => [
      ask(stack, index < 100 ? 'DELETE' : 'PUT', `/api/videos/${id}/like`, cookie),
      ask(stack, 'POST', `/api/videos/${id}/views`, cookie),
    ]),
  )
  expect(new Set(mixed.map(answer => answer.status))).toEqual(new Set([200, 204]))
  expect(await stack.video(id)).toMatchObject({ likes: 400, views: 500, liked: false })
  const own = await ask(stack, 'GET', '/api/videos', cookies[499])
  const counted = expect.objectContaining({ id, likes: 400, liked: true })
  expect(await own.json()).toMatchObject({ items: expect.arrayContaining([counted]) })
})

test('a browser is known by a cookie that scripts cannot read, and that nobody can make up', async ({
  stack,
}) => {
  const video = await readyVideo(storesOf(stack), 'Seen once', clip)
  const first = await ask(stack, 'POST', `/api/videos/${video}/views`)
  expect(first.headers.get('Set-Cookie')).toMatch(
    /^pgreel_viewer=[0-9a-f-]{36}\.[\w-]{22}; Path=\/; Max-Age=34560000; HttpOnly; SameSite=Lax$/,
  )
  const cookie = cookieOf(first)
  const another = cookie.replace(/=.{36}/, `=${crypto.randomUUID()}`)
  // The same one again, one that keeps no cookie, one that makes its own: all of them are counted already.
  for (const brought of [cookie, undefined, undefined, another, 'pgreel_viewer=x'])
    expect((await ask(stack, 'POST', `/api/videos/${video}/views`, brought)).status).toBe(204)
  expect(await stack.video(video)).toMatchObject({ views: 1 })
  const elsewhere = { 'X-Forwarded-Proto': 'https' }
  const secure = await fetch(`${stack.url}/api/videos/${video}/like`, { method: 'PUT', headers: elsewhere })
  expect(secure.headers.get('Set-Cookie')).toMatch(/; Secure$/)
})

test('what is not there is not liked, and a page of another site likes nothing', async ({ stack }) => {
  for (const [method, path] of [
    ['PUT', 'like'],
    ['DELETE', 'like'],
    ['POST', 'views'],
  ] as const) {
    for (const wrong of [UNKNOWN, 'not-an-id', '%00'])
      expect((await ask(stack, method, `/api/videos/${wrong}/${path}`)).status).toBe(404)
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://elsewhere.example' }
    expect((await fetch(`${stack.url}/api/videos/${id}/${path}`, { method, headers })).status).toBe(403)
  }
  expect((await ask(stack, 'PURGE', `/api/videos/${id}/like`)).status).toBe(405)
})

test('a player tells when it was seen, and in the end how it went', async ({ stack, page }) => {
  const video = await readyVideo(storesOf(stack), 'Played', clip)
  await page.goto(`${stack.url}/v/${video}`)
  await expect.poll(async () => (await stack.video(video)).views).toBe(1)
  await page.goto('about:blank')
  const told = () =>
    stack.query<{ first_frame_ms: number; watched_ms: number; height: number; error_code: string | null }>(
      'select first_frame_ms, watched_ms, height, error_code from playbacks where video_id = $1',
      [video],
    )
  await expect.poll(told).toHaveLength(1)
  const [playback] = await told()
  expect(playback).toMatchObject({ height: 240, error_code: null })
  expect(playback?.first_frame_ms).toBeGreaterThan(0)
  expect(playback?.watched_ms).toBeGreaterThan(2500)

  await page.goto(`${stack.url}/figures?span=week`)
  await expect(page.getByRole('heading', { name: 'How playing went' })).toBeVisible()
  await expect(page.getByRole('table', { name: 'In numbers' }).getByRole('row')).toHaveCount(8)
  await expect(page.getByRole('table', { name: 'Quality at the end' })).toContainText('240p')
  expect((await fetch(`${stack.url}/figures?span=year`)).status).toBe(404)
})

test('figures that are none are refused with a reason', async ({ stack }) => {
  const send = (body: string) => fetch(`${stack.url}/api/playbacks`, { method: 'POST', body })
  const good = {
    ...{ videoId: id, firstFrameMs: null, stalls: 0, stalledMs: 0, watchedMs: 0, height: null },
    ...{ errorCode: 'network', connection: null },
  }
  const batch = (...playbacks: unknown[]) => JSON.stringify({ playbacks })
  expect((await send(batch(good, { ...good, videoId: UNKNOWN }))).status).toBe(204)
  for (const [body, code] of [
    ['{', 'bad_json'],
    ['[]', 'bad_playbacks'],
    [batch(), 'bad_playbacks'],
    [batch(...Array(21).fill(good)), 'bad_playbacks'],
    [batch({ ...good, watchedMs: -1 }), 'bad_playbacks'],
    [batch({ ...good, stalledMs: 1e15 }), 'bad_playbacks'],
    [batch({ ...good, errorCode: "'; drop table videos" }), 'bad_playbacks'],
    [batch({ ...good, who: 'me' }), 'bad_playbacks'],
    [`"${'x'.repeat(20_000)}"`, 'bad_length'],
  ] as const) {
    const answer = await send(body)
    expect([answer.status, (await answer.json()).code]).toEqual([400, code])
  }
})

test('people find videos by words, though they write them wrong, and by hashtags', async ({
  stack,
  page,
}) => {
  await page.goto(`${stack.url}/search`)
  await page.getByRole('searchbox').fill('SEA waves')
  await page.keyboard.press('Enter')
  const found = page.getByRole('link', { name: 'Waves at the #Sea' })
  await expect(found).toBeVisible()
  await page.getByRole('searchbox').fill('wavse')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Some have words that look like them')).toBeVisible()
  await found.press('Enter')
  await expect(page).toHaveURL(`${stack.url}/v/${id}`)
  await page.goto(`${stack.url}/search?q=xylophone`)
  await expect(page.getByRole('status').filter({ hasText: 'No video has the words xylophone' })).toBeVisible()

  await page.goto(`${stack.url}/tags/SEA`)
  await expect(page.getByRole('heading', { name: '#sea' })).toBeVisible()
  await expect(found).toBeVisible()
  await page.getByRole('link', { name: 'Popular' }).click()
  await expect(page).toHaveURL(/sort=popular/)
  await expect(found).toBeVisible()
  for (const [path, status] of [
    ['/tags/%00', 404],
    ['/tags/a%20b', 404],
    ['/tags/%E2%82%AC%E0%A4%A', 400],
    [`/search?q=${'x'.repeat(10_000)}`, 200],
    ['/search?q=a&sort=best', 404],
    ['/search?q=%00', 404],
    ['/?sort=best', 404],
  ] as const)
    expect((await fetch(stack.url + path)).status, path).toBe(status)
})

test('the feed is popular by choice, and goes on in that order', async ({ stack, page }) => {
  await readyVideo(storesOf(stack), 'Newer, and nobody likes it', clip)
  await stack.query('update video_counts set views = 1000 where video_id = $1', [id])
  await page.goto(stack.url)
  await expect(page.getByRole('article').first()).toContainText('Newer')
  await page.getByRole('link', { name: 'Popular' }).click()
  await expect(page.getByRole('link', { name: 'Popular' })).toHaveAttribute('aria-current', 'page')
  await expect(page.getByRole('article').first()).toContainText('Waves')
  const first = await (await fetch(`${stack.url}/api/videos?sort=popular&limit=1`)).json()
  const next = await (await fetch(`${stack.url}/api/videos?limit=1&cursor=${first.nextCursor}`)).json()
  expect(first.items[0].id).toBe(id)
  expect(next.items[0].views).toBeLessThan(1000)
})

test('what is said of a video stands beside it, or in its details, and a tag leads to more', async ({
  stack,
  page,
}) => {
  await stack.query('update videos set description = $2 where id = $1', [
    id,
    'First line\nsecond <b>line</b>',
  ])
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.goto(`${stack.url}/v/${id}`)
  const article = page.locator('[data-active]')
  await expect(article.getByText('First line second <b>line</b>')).toBeVisible()
  await expect(article.getByText(/· 1K views ·/)).toBeVisible()
  await article.getByRole('link', { name: '#sea' }).click()
  await expect(page.getByRole('heading', { name: '#sea' })).toBeVisible()
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(`${stack.url}/v/${id}`)
  await article.getByRole('button', { name: 'Details' }).click()
  const sheet = page.getByRole('dialog')
  await expect(sheet.getByText('second <b>line</b>')).toBeVisible()
  await expect(sheet.getByRole('link', { name: '#sea' })).toHaveAttribute('href', '/tags/sea')
  await page.keyboard.press('Escape')
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Search' }).click()
  await expect(page.getByRole('searchbox')).toBeVisible()
})

test('a link to a video shows what it is, and feed readers find the newest', async ({ stack, page }) => {
  const key = (name: string) => `videos/${id}/${UNKNOWN}/${name}`
  await stack.query('update videos set thumbnail = $2, url_mp4 = $3, description = $4 where id = $1', [
    ...[id, key('poster.jpg'), key('video.mp4'), 'Blue <b>'],
  ])
  const { posterUrl, mp4Url } = await stack.video(id)
  await page.goto(`${stack.url}/v/${id}`)
  await expect(page).toHaveTitle('Waves at the #Sea · pgreel')
  const meta = (name: string) =>
    page.locator(`meta[property="${name}"], meta[name="${name}"]`).first().getAttribute('content')
  expect(await meta('og:title')).toBe('Waves at the #Sea')
  expect(await meta('og:description')).toBe('Blue <b>')
  expect(await meta('og:url')).toBe(`${stack.url}/v/${id}`)
  expect(await meta('og:image')).toBe(`${stack.url}${posterUrl}`)
  expect(await meta('twitter:card')).toBe('summary_large_image')
  expect(await meta('og:video')).toBe(`${stack.url}${mp4Url}`)
  const link = page.locator('link[type="application/rss+xml"]')
  expect(await link.getAttribute('href')).toBe(`${stack.url}/feed.xml`)
  const feed = await fetch(`${stack.url}/feed.xml?tag=sea`, { headers: { 'X-Forwarded-Host': '<script>' } })
  expect(feed.headers.get('Content-Type')).toBe('application/rss+xml; charset=utf-8')
  const text = await feed.text()
  expect(text).toContain('<description>Blue &amp;lt;b&amp;gt;</description>')
  expect(text).toContain(`${mp4Url}" length="0" type="video/mp4"/>`)
  expect(text).not.toContain('<script')
  const isWellFormed = await page.evaluate(
    xml => new DOMParser().parseFromString(xml, 'text/xml').querySelector('parsererror') === null,
    text,
  )
  expect(isWellFormed).toBe(true)
  const manifest = await (await fetch(`${stack.url}/manifest.webmanifest`)).json()
  for (const { src } of manifest.icons) expect((await fetch(stack.url + src)).status).toBe(200)
})

test('a title is a page’s as it was written', async ({ stack, page }) => {
  const dollars = await readyVideo(storesOf(stack), "For $5, $& and $' %s", clip)
  await page.goto(`${stack.url}/v/${dollars}`)
  await expect(page).toHaveTitle("For $5, $& and $' %s · pgreel")
})
