// The main story in a real browser: a file becomes a video that plays in the feed.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Page } from 'playwright/test'
import { makeClip } from '#test/clips.ts'
import { cutClip, readyVideo } from '#test/growing.ts'
import { costOfPrograms, type Stack, settled, storesOf, upload } from './stack.ts'
import { chooseFiles, expect, test } from './test.ts'

test('a file dropped in the browser goes uploading, queued, processing, ready, and plays in the feed', async ({
  page,
  stack,
  clips,
}) => {
  const file = await makeClip(clips, 'A walk in the rain.mp4', { width: 360, height: 640, seconds: 4 })
  await page.goto(`${stack.url}/upload`)
  await chooseFiles(page, file)
  const row = page.getByRole('list', { name: 'Your uploads' }).getByRole('listitem')
  await expect(row.getByRole('heading')).toHaveText('A walk in the rain')
  await expect(row.getByText('Ready to watch')).toBeVisible({ timeout: 60_000 })
  const id = (await row.getAttribute('data-video-id')) ?? ''
  await settled(stack, id)

  expect(await statusesOf(stack, id)).toEqual(['uploading', 'queued', 'processing', 'ready'])
  const video = await stack.video(id)
  expect(video).toMatchObject({ status: 'ready', playable: true, progress: 1, width: 360, height: 640 })
  const codecs = new Set(video.renditions.flatMap(rendition => rendition.codecs ?? []))
  expect(
    [...codecs].every(codec => /^(avc1\.[0-9a-f]{6}|mp4a\.40\.2)$/.test(codec)),
    [...codecs].join(),
  ).toBe(true)
  expect(codecs.size).toBeGreaterThan(1)

  await row.getByRole('link', { name: 'Watch' }).click()
  await expect(page).toHaveURL(`${stack.url}/v/${id}`)
  await expectPlaying(page, '[data-active] video')
  await page.goto(stack.url)
  await expectPlaying(page, `article[data-video-id="${id}"] video`)
  // After each test the web process must have run none: see expectNothingLeftBehind.
  expect(await costOfPrograms(stack.workers[0]?.pid ?? 0), 'FFmpeg is run by the worker').toBeGreaterThan(10)
})

test('sound and picture begin together, at zero', async ({ page, stack, clips }) => {
  await page.addInitScript(() => {
    const kept = window as unknown as { buffers: [string, SourceBuffer][] }
    kept.buffers = []
    const add = MediaSource.prototype.addSourceBuffer
    MediaSource.prototype.addSourceBuffer = function (type) {
      const buffer = add.call(this, type)
      kept.buffers.push([type, buffer])
      return buffer
    }
  })
  const id = await upload(stack, await makeClip(clips, 'in-step.mp4', { seconds: 4 }))
  await settled(stack, id)
  await page.goto(`${stack.url}/v/${id}`)
  await expectPlaying(page, '[data-active] video')
  const starts = await page.evaluate(() =>
    (window as unknown as { buffers: [string, SourceBuffer][] }).buffers
      .filter(([, buffer]) => buffer.buffered.length > 0)
      .map(([type, buffer]) => ({ kind: type.slice(0, 5), start: buffer.buffered.start(0) })),
  )
  expect(new Set(starts.map(({ kind }) => kind))).toEqual(new Set(['audio', 'video']))
  for (const { kind, start } of starts) expect(start, kind).toBeCloseTo(0, 2)
})

test('the uploader’s own file plays at once, before anything is sent', async ({ page, stack, clips }) => {
  const file = await makeClip(clips, 'own.mp4', { seconds: 2 })
  let sent = 0
  await page.route('**/api/uploads**', route => {
    sent += 1
    return route.abort('internetdisconnected')
  })
  await page.goto(`${stack.url}/upload`)
  await chooseFiles(page, file)
  const preview = page.getByRole('listitem').locator('video')
  await expect
    .poll(() => preview.evaluate((video: HTMLVideoElement) => video.readyState))
    .toBeGreaterThanOrEqual(2)
  await expect.poll(() => preview.evaluate((video: HTMLVideoElement) => video.currentTime)).toBeGreaterThan(0)
  await expect(preview).toHaveAttribute('src', /^blob:/)
  expect(sent).toBeGreaterThan(0)
  expect(await stack.query(`select id from videos where title = 'own'`)).toEqual([])
})

test('a bad file says why, and what to do', async ({ page, stack }) => {
  await page.goto(`${stack.url}/upload`)
  await chooseFiles(page, {
    ...{ name: 'notes.mp4', mimeType: 'video/mp4' },
    buffer: Buffer.from('Dear diary, this is no video.'),
  })
  const row = page.getByRole('list', { name: 'Your uploads' }).getByRole('listitem')
  await expect(row.getByText(/not a video that can be read/)).toBeVisible({ timeout: 30_000 })
  const id = (await row.getAttribute('data-video-id')) ?? ''
  expect(await stack.video(id)).toMatchObject({
    status: 'failed',
    error: { code: 'not_a_video', retryable: false },
    hlsUrl: null,
  })
  // Another try would end the same way: only another file helps.
  await expect(row.getByRole('button', { name: 'Try again' })).toHaveCount(0)
  const choosing = page.waitForEvent('filechooser')
  await row.getByRole('button', { name: 'Choose another file' }).click()
  await choosing
  expect(await stack.query('select outcome from attempts where video_id = $1', [id])).toEqual([
    { outcome: 'failed' },
  ])
  const stored = await readFile(path.join(stack.dataDir, 'storage/sources', id), 'utf8')
  expect(stored).toBe('Dear diary, this is no video.')
  await page.goto(`${stack.url}/v/${id}`)
  await expect(page.getByText(/not a video that can be read/)).toBeVisible()
  await expect(page.getByRole('link', { name: 'Choose another file' })).toBeVisible()
  await expect(page.getByRole('button', { name: 'Try again' })).toHaveCount(0)
  await page.goto(stack.url)
  await expect(page.locator(`article[data-video-id="${id}"]`)).toHaveCount(0)
})

test('files that are no videos by their names are refused in words', async ({ page, stack }) => {
  await page.goto(`${stack.url}/upload`)
  const letter = { name: 'letter.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }
  await chooseFiles(page, [letter, { ...letter, name: 'second letter.txt' }])
  await expect(page.getByRole('listitem').first().getByRole('alert')).toContainText(/not a video/i)
  await expect(page.getByRole('status')).toHaveText(/^Letter: .*WebM\. Second letter: .*WebM$/)
  expect(await stack.query(`select id from videos where title ilike '%letter'`)).toEqual([])
})

test('a video deleted while it is watched is gone, the page says so, and the next takes its place', async ({
  page,
  stack,
  clips,
}) => {
  const [next = '', id = ''] = await fillFeed(stack, clips, 2)
  await page.goto(`${stack.url}/v/${id}`)
  await expectPlaying(page, '[data-active] video')
  await page.getByRole('button', { name: 'Share' }).focus()
  await deleteVideo(stack, id)
  await expect(page.getByText('“Clip 2” was deleted.')).toBeVisible()
  await expect(page.locator(`article[data-video-id="${id}"]`)).toHaveCount(0)
  await expectActive(page, next)
  await expect(page.locator(`article[data-video-id="${next}"] :focus`)).toHaveCount(1)
  await expect(page).toHaveURL(`${stack.url}/v/${next}`)
})

test('deleted videos leave the feed: the watched one stays where it is, or the next takes its place', async ({
  page,
  stack,
  clips,
}) => {
  const [last = '', third = '', second = '', first = ''] = await fillFeed(stack, clips, 4)
  await page.goto(stack.url)
  await expectActive(page, first)
  await page.keyboard.press('j')
  await expectActive(page, second)
  await expectPlaying(page, `article[data-video-id="${second}"] video`)
  const watched = await page.locator(`article[data-video-id="${second}"] video`).elementHandle()
  await deleteVideo(stack, first)
  await expect(page.locator(`article[data-video-id="${first}"]`)).toHaveCount(0)
  await expect(page.getByRole('status').first()).toHaveText('“Clip 4” was deleted.')
  await expectActive(page, second)
  expect(await watched?.evaluate(video => video.isConnected && !(video as HTMLVideoElement).paused)).toBe(
    true,
  )

  await page.locator(`article[data-video-id="${second}"]`).getByRole('button', { name: 'Pause' }).focus()
  await deleteVideo(stack, second)
  await expectActive(page, third)
  await expectPlaying(page, `article[data-video-id="${third}"] video`)
  await expect(page.locator(`article[data-video-id="${third}"] :focus`)).toHaveCount(1)
  await page.keyboard.press('j')
  await expectActive(page, last)
})

test('the address follows the video; back, and after a reload, the feed stands where it was left', async ({
  page,
  stack,
  clips,
}) => {
  const ids = await fillFeed(stack, clips, 9)
  const target = ids[0] ?? '' // on the second page
  await page.goto(stack.url)
  // No key is heard before the page has come to life.
  await expectPlaying(page, '[data-active] video')
  for (const id of ids.toReversed()) {
    await expectActive(page, id)
    if (id !== target) await page.keyboard.press('j')
  }
  await expect(page).toHaveURL(`${stack.url}/v/${target}`)
  await expect(page).toHaveTitle('Clip 1 · pgreel')
  await page.getByRole('link', { name: 'Upload' }).click()
  await expect(page).toHaveURL(`${stack.url}/upload`)
  await page.goBack()
  await expectActive(page, target)
  await page.reload()
  await expectActive(page, target)
  await page.keyboard.press('k')
  await expectActive(page, ids[1] ?? '')
  await expect(page).toHaveURL(`${stack.url}/v/${ids[1]}`)

  await page.getByRole('link', { name: 'Upload' }).click()
  await expect(page).toHaveURL(`${stack.url}/upload`)
  await page.reload()
  const [newest = ''] = await fillFeed(stack, clips, 1)
  await page.goBack()
  await expectActive(page, ids[1] ?? '')
  await expectPlaying(page, '[data-active] video')
  // By its link the feed begins at the top, also for who is in it.
  await page.getByRole('link', { name: 'Feed' }).click()
  await expect(page).toHaveURL(`${stack.url}/`)
  await expectActive(page, newest)
  await page.keyboard.press('j')
  await expect(page).toHaveURL(/\/v\//)
  await page.getByRole('link', { name: 'Feed' }).click()
  await expectActive(page, newest)
})

test('the arrow keys seek, and a silent video has no sound to turn on', async ({ page, stack, clips }) => {
  const clip = await makeClip(clips, 'silent.mp4', { width: 192, height: 108, seconds: 20, hasAudio: false })
  const silent = await upload(stack, clip)
  expect(await settled(stack, silent)).toMatchObject({ status: 'ready' })
  await page.goto(`${stack.url}/v/${silent}`)
  const article = page.locator(`article[data-video-id="${silent}"]`)
  await expectPlaying(page, '[data-active] video')
  await page.keyboard.press(' ')
  await expect(article.getByRole('button', { name: 'Play' })).toBeVisible()
  const time = () => article.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime)
  const before = await time()
  await page.keyboard.press('ArrowRight')
  await expect.poll(time).toBeCloseTo(before + 2, 0)
  await page.getByRole('slider').focus()
  await page.keyboard.press('ArrowLeft')
  await expect.poll(time).toBeCloseTo(before, 0)
  await expect(article.getByText('no sound')).toBeVisible()
  await expect(article.getByRole('button', { name: /sound/ })).toHaveCount(0)
})

test('an unknown video is a page that says so', async ({ page, stack }) => {
  for (const id of [crypto.randomUUID(), 'nonsense']) {
    const response = await page.goto(`${stack.url}/v/${id}`)
    expect(response?.status()).toBe(404)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  }
})

/** The statuses as the event stream replays them, each once. */
async function statusesOf({ url }: Stack, id: string): Promise<string[]> {
  const response = await fetch(`${url}/api/events?videos=${id}`, { headers: { 'Last-Event-ID': '0' } })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (reader && !text.includes('event: video')) text += (await reader.read()).value ?? ''
  await reader?.cancel()
  const statuses = [...text.matchAll(/event: stage\nid: \d+\ndata: (.*)\n/g)].map(
    match => JSON.parse(match[1] ?? '').status,
  )
  return statuses.filter((status, index) => status !== statuses[index - 1])
}

async function deleteVideo({ url }: Stack, id: string): Promise<void> {
  expect((await fetch(`${url}/api/videos/${id}`, { method: 'DELETE' })).status).toBe(204)
}

/** @returns the ids of "Clip 1" to "Clip n", oldest first */
async function fillFeed(stack: Stack, clips: string, count: number): Promise<string[]> {
  const clip = await cutClip(clips, 2)
  const ids: string[] = []
  for (let number = 1; number <= count; number++) {
    ids.push(await readyVideo(storesOf(stack), `Clip ${number}`, clip))
  }
  return ids
}

/** On screen, at its place, and the one that counts as watched. */
async function expectActive(page: Page, id: string): Promise<void> {
  const article = page.locator(`article[data-video-id="${id}"]`)
  await expect(article).toHaveAttribute('data-active', 'true')
  await expect.poll(async () => Math.round((await article.boundingBox())?.y ?? -1)).toBe(0)
}

async function expectPlaying(page: Page, selector: string): Promise<void> {
  const time = () =>
    page
      .locator(selector)
      .first()
      .evaluate((video: HTMLVideoElement) => video.currentTime)
  await expect.poll(time).toBeGreaterThan(0.2)
  const before = await time()
  await expect.poll(async () => Math.abs((await time()) - before)).toBeGreaterThan(0.2)
}
