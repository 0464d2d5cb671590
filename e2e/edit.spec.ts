// What uploaders say of their videos, while they are sent and later; and uploads that people can leave alone.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { CDPSession, Locator, Page } from 'playwright/test'
import { makeClip } from '#test/clips.ts'
import { cutClip, readyVideo } from '#test/growing.ts'
import { type Stack, settled, storesOf } from './stack.ts'
import { chooseFiles, expect, test } from './test.ts'

// Two chunks.
const LARGE = { seconds: 2, width: 160, height: 120, fps: 10, hasAudio: false, paddingBytes: 10_000_000 }
// Nothing arrives before it is to, or one chunk after another does.
const STANDING = 300_000
const SLOW = 1_500_000

const HOSTILE_SRT = `1
00:00:00,200 --> 00:00:01,500
<b>Hello</b> <script>alert(1)</script>
`

test('a video is edited while it is sent, and what was said is true when it plays', async ({
  page,
  stack,
  clips,
}) => {
  const file = await makeClip(clips, 'raw_0042.mp4', LARGE)
  const row = await startUpload(page, stack, file)
  await row.getByLabel('Title').fill('A walk in the rain')
  await row.getByLabel('Description').fill('Through #Lisbon, <b>wet</b>.')
  await row.getByText('Poster', { exact: true }).click()
  await expect(row.getByRole('button', { name: 'Use this moment' })).toBeEnabled()
  await row.getByLabel('Moment').fill('1.2')
  await row.getByRole('button', { name: 'Use this moment' }).click()
  await row.getByText('Captions', { exact: true }).click()
  await row.getByLabel('Language').selectOption('Portuguese')
  const srt = path.join(clips, 'hostile.srt')
  await writeFile(srt, HOSTILE_SRT)
  await row.getByLabel('Add captions').setInputFiles(srt)
  await expect(row.getByText('Saved', { exact: true })).toBeVisible()
  await expect(row.getByRole('heading')).toHaveText('A walk in the rain')
  await expect(row.getByText('#lisbon', { exact: true })).toBeVisible()
  await expect(row).toHaveAttribute('data-phase', 'sending')
  const id = (await row.getAttribute('data-video-id')) ?? ''
  const sending = await stack.video(id)
  expect(sending).toMatchObject({
    ...{ status: 'uploading', title: 'A walk in the rain', description: 'Through #Lisbon, <b>wet</b>.' },
    ...{ tags: ['lisbon'], givenPoster: { state: 'waiting', message: null } },
    captions: [{ language: 'pt', label: 'Portuguese' }],
  })
  const captions = await fetch(new URL(sending.captions[0]?.url ?? '', stack.url))
  expect(captions.headers.get('Content-Type')).toBe('text/vtt; charset=utf-8')
  expect(captions.headers.get('Cache-Control')).toMatch(/immutable/)
  expect(await captions.text()).toMatch(/^WEBVTT\n\n.*\nHello &lt;script&gt;alert\(1\)&lt;\/script&gt;\n$/)

  await setSpeed(page, -1)
  await expect(row).toHaveAttribute('data-phase', 'sent', { timeout: 30_000 })
  await settled(stack, id)
  await expect.poll(async () => (await stack.video(id)).givenPoster?.state, { timeout: 20_000 }).toBe('made')
  const moment = await stack.video(id)
  expect(moment.posterUrl).toMatch(/\/poster\.jpg$/)

  // Later, on a page of its own, in place of the first.
  await page.goto(`${stack.url}/edit/${id}`)
  await page.getByText('Poster', { exact: true }).click()
  const picture = await drawPicture(page)
  await page
    .getByLabel('Choose a picture')
    .setInputFiles({ name: 'mine.png', mimeType: 'image/png', buffer: picture })
  await expect
    .poll(async () => (await stack.video(id)).posterUrl, { timeout: 20_000 })
    .not.toBe(moment.posterUrl)
  await page.getByText('Captions', { exact: true }).click()
  await page.getByRole('button', { name: 'Remove captions: Portuguese' }).click()
  await expect.poll(async () => (await stack.video(id)).captions).toEqual([])
})

test('what is no captions file and no picture is refused in words, and changes nothing', async ({
  page,
  stack,
  clips,
}) => {
  const id = await readyVideo(storesOf(stack), 'Plain', await cutClip(clips, 2))
  await page.goto(`${stack.url}/edit/${id}`)
  await page.getByText('Captions', { exact: true }).click()
  const letter = { name: 'letter.srt', mimeType: 'text/plain', buffer: Buffer.from('Dear diary') }
  await page.getByLabel('Add captions').setInputFiles(letter)
  await expect(page.getByText(/no captions in this file/)).toBeVisible()
  const put = (to: string, body: string, type: string) =>
    fetch(`${stack.url}/api/videos/${id}/${to}`, { method: 'PUT', body, headers: { 'Content-Type': type } })
  const refusals = [
    await put('captions/not+a+tag', HOSTILE_SRT, 'text/plain'),
    await put('captions/en', 'x'.repeat(1_000_001), 'text/plain'),
    await put('poster', '<svg onload=alert(1)>', 'image/svg+xml'),
    await put('poster', '{"atSeconds":-1}', 'application/json'),
  ]
  expect(refusals.map(({ status }) => status)).toEqual([400, 413, 415, 400])
  expect(await stack.video(id)).toMatchObject({ captions: [], givenPoster: null })
})

test('three files at once outlive a reload, and so do words that no server had heard', async ({
  page,
  stack,
  clips,
}) => {
  const names = ['north', 'east', 'south']
  const files = await Promise.all(names.map(name => makeClip(clips, `${name}.mp4`, LARGE)))
  await startUpload(page, stack, files)
  const row = (name: string) => rowsOf(page).filter({ has: page.getByRole('heading', { name, exact: true }) })
  // As slow a line as that lets two begin: the third has no video yet.
  await expect(row('South')).toBeVisible()
  await page.route(/\/api\/videos\/[^/]+$/, route =>
    route.request().method() === 'PATCH' ? route.abort('connectionfailed') : route.continue(),
  )
  await row('East').getByText('Details').click()
  await row('East').getByLabel('Description').fill('Where the sun rises')
  await expect(row('East').getByText(/Not saved yet/)).toBeVisible()
  page.on('dialog', dialog => void dialog.accept())
  await page.reload()
  await page.unroute(/\/api\/videos\/[^/]+$/)
  await expect(row('East').getByText(/not finished/i)).toBeVisible()
  await setSpeed(page, -1)
  await chooseFiles(page, files)
  for (const name of names) {
    const title = name.charAt(0).toUpperCase() + name.slice(1)
    await expect(row(title)).toHaveAttribute('data-phase', 'sent', { timeout: 30_000 })
  }
  const saved = () =>
    stack.query('select title, description from videos where lower(title) = any($1) order by title', [names])
  await expect.poll(saved).toEqual([
    { title: 'East', description: 'Where the sun rises' },
    { title: 'North', description: '' },
    { title: 'South', description: '' },
  ])
  await page.reload()
  await expect(rowsOf(page)).toHaveCount(3)
  await Promise.all(
    (await stack.query<{ id: string }>('select id from videos where lower(title) = any($1)', [names])).map(
      ({ id }) => settled(stack, id),
    ),
  )
})

test('back from the background an upload goes on at once, and the screen stays on while it runs', async ({
  page,
  stack,
  clips,
}) => {
  await page.addInitScript(() => {
    const held = { count: 0 }
    Object.assign(window, { held })
    const { request } = WakeLock.prototype
    WakeLock.prototype.request = async function (type) {
      const lock = await request.call(this, type)
      held.count += 1
      lock.addEventListener('release', () => (held.count -= 1))
      return lock
    }
  })
  const held = () => page.evaluate(() => Reflect.get(window, 'held').count)
  const file = await makeClip(clips, 'asleep.mp4', LARGE)
  const row = await startUpload(page, stack, file, SLOW)
  await expect.poll(held).toBe(1)
  await page.route('**/api/uploads/**', route => route.abort('connectionfailed'))
  await expect(row.getByText(/connection lost/i)).toBeVisible()
  // From the fifth on, tries are five seconds apart.
  for (let tries = 1; tries < 5; tries++) {
    await page.waitForEvent('requestfailed', request => request.url().includes('/api/uploads/'))
  }
  await setHidden(page, true)
  await page.unroute('**/api/uploads/**')
  const goesOn = page.waitForRequest('**/api/uploads/**', { timeout: 3000 })
  await setHidden(page, false)
  await goesOn
  await expect(row).toHaveAttribute('data-phase', 'sending', { timeout: 3000 })
  await setSpeed(page, -1)
  await expect(row).toHaveAttribute('data-phase', 'sent', { timeout: 30_000 })
  await expect.poll(held).toBe(0)
  await settled(stack, (await row.getAttribute('data-video-id')) ?? '')
})

for (const [what, refuse] of [
  ['refused', 'abort'],
  ['held back by something on the way', 'hang'],
] as const) {
  test(`where the event stream is ${what}, pages ask instead`, async ({ page, stack, clips }) => {
    const id = await readyVideo(storesOf(stack), 'Before', await cutClip(clips, 2))
    await page.route('**/api/events**', route => (refuse === 'abort' ? route.abort() : undefined))
    await page.goto(`${stack.url}/edit/${id}`)
    await expect(page.getByLabel('Title')).toHaveValue('Before')
    await fetch(`${stack.url}/api/videos/${id}`, {
      method: 'PATCH',
      body: JSON.stringify({ title: 'After' }),
    })
    await expect(page.getByLabel('Title')).toHaveValue('After', { timeout: 10_000 })
  })
}

function rowsOf(page: Page): Locator {
  return page.getByRole('list', { name: 'Your uploads' }).locator('> li')
}

async function startUpload(
  page: Page,
  stack: Stack,
  files: string | string[],
  bytesPerSecond = STANDING,
): Promise<Locator> {
  await page.goto(`${stack.url}/upload`)
  await setSpeed(page, bytesPerSecond)
  await chooseFiles(page, files)
  const rows = rowsOf(page)
  await expect(rows.first()).toHaveAttribute('data-video-id', /./)
  return rows
}

/** One session a page: of several the strictest is obeyed. */
async function setSpeed(page: Page, bytesPerSecond: number): Promise<void> {
  const cdp = sessions.get(page) ?? (await page.context().newCDPSession(page))
  sessions.set(page, cdp)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', {
    ...{ offline: false, latency: 0, downloadThroughput: -1 },
    uploadThroughput: bytesPerSecond,
  })
}

const sessions = new WeakMap<Page, CDPSession>()

/** As when another app covers it; Chromium without a screen has no other way, and freezes nothing that it shows. */
async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate(hidden => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
    document.dispatchEvent(new Event('visibilitychange'))
  }, hidden)
}

function drawPicture(page: Page): Promise<Buffer> {
  return page.screenshot({ clip: { x: 0, y: 0, width: 300, height: 100 } })
}
