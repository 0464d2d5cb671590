// The main story in a real browser: a file becomes a video that plays in the feed.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { makeClip } from '#test/clips.ts'
import { type Stack, settled, upload } from './stack.ts'
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
  await expectPlaying(page, 'video')
  await page.goto(stack.url)
  await expectPlaying(page, `article[data-video-id="${id}"] video`)
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
  await expectPlaying(page, 'video')
  const starts = await page.evaluate(() =>
    (window as unknown as { buffers: [string, SourceBuffer][] }).buffers
      .filter(([, buffer]) => buffer.buffered.length > 0)
      .map(([type, buffer]) => ({ kind: type.slice(0, 5), start: buffer.buffered.start(0) })),
  )
  expect(starts.map(({ kind }) => kind).sort()).toEqual(['audio', 'video'])
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
    error: { code: 'not_a_video' },
    hlsUrl: null,
  })
  expect(await stack.query('select outcome from attempts where video_id = $1', [id])).toEqual([
    { outcome: 'failed' },
  ])
  const stored = await readFile(path.join(stack.dataDir, 'storage/sources', id), 'utf8')
  expect(stored).toBe('Dear diary, this is no video.')
  await page.goto(`${stack.url}/v/${id}`)
  await expect(page.getByText(/not a video that can be read/)).toBeVisible()
  await page.goto(stack.url)
  await expect(page.locator(`article[data-video-id="${id}"]`)).toHaveCount(0)
})

test('a file that is no video by its name is refused in words', async ({ page, stack }) => {
  await page.goto(`${stack.url}/upload`)
  await chooseFiles(page, {
    ...{ name: 'letter.txt', mimeType: 'text/plain' },
    buffer: Buffer.from('hello'),
  })
  await expect(page.getByRole('listitem').getByRole('alert')).toContainText(/not a video/i)
  expect(await stack.query(`select id from videos where title = 'letter'`)).toEqual([])
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

async function expectPlaying(page: import('playwright/test').Page, selector: string): Promise<void> {
  const time = () =>
    page
      .locator(selector)
      .first()
      .evaluate((video: HTMLVideoElement) => video.currentTime)
  await expect.poll(time).toBeGreaterThan(0.2)
  const before = await time()
  await expect.poll(async () => Math.abs((await time()) - before)).toBeGreaterThan(0.2)
}
