// Networks drop, tabs reload: the upload goes on where it was, byte for byte, as one video.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { CDPSession, Locator, Page } from 'playwright/test'
import { makeClip } from '#test/clips.ts'
import { type Stack, settled } from './stack.ts'
import { chooseFiles, expect, test } from './test.ts'

const BYTES_PER_SECOND = 6_000_000
// Time enough to open another tab meanwhile.
const SLOW = 1_500_000
// Several chunks.
const LARGE = { seconds: 1, paddingBytes: 24_000_000 }

test('an upload goes on by itself after the network was cut', async ({ page, stack, clips }) => {
  const file = await makeClip(clips, 'cut.mp4', LARGE)
  const row = await startUpload(page, stack, file)
  await midway(row)
  await setNetwork(page, { offline: true })
  await expect(row.getByText(/connection lost/i)).toBeVisible()
  await setNetwork(page, { offline: false })
  await expectWhole(stack, row, file)
})

test('an upload goes on after a reload, when its file is chosen again', async ({ page, stack, clips }) => {
  const file = await makeClip(clips, 'reloaded.mp4', LARGE)
  const before = await startUpload(page, stack, file)
  await midway(before)
  page.on('dialog', dialog => void dialog.accept())
  await page.reload()
  const row = rowOf(page)
  await expect(row.getByText(/not finished/i)).toBeVisible()
  const offsets: number[] = []
  page.on('request', request => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']))
  })
  await chooseFiles(page, file)
  await expectWhole(stack, row, file)
  expect(offsets[0]).toBeGreaterThan(0)
})

test('an upload can be paused and resumed, and cancelled without a trace', async ({ page, stack, clips }) => {
  const file = await makeClip(clips, 'paused.mp4', LARGE)
  const row = await startUpload(page, stack, file)
  await midway(row)
  await row.getByRole('button', { name: /^Pause/ }).click()
  await expect(row).toHaveAttribute('data-phase', 'paused')
  await row.getByRole('button', { name: /^Resume/ }).click()
  await expect(row).toHaveAttribute('data-phase', 'sending')
  await row.getByRole('button', { name: /^Cancel/ }).click()
  await expect(row).toHaveCount(0)
  await expect.poll(() => stack.query(`select id from videos where lower(title) = 'paused'`)).toEqual([])
})

test('a server in trouble is told from a lost connection, and the upload goes on', async ({
  page,
  stack,
  clips,
}) => {
  const file = await makeClip(clips, 'trouble.mp4', LARGE)
  const row = await startUpload(page, stack, file)
  await midway(row)
  await page.route('**/api/uploads/**', route => route.fulfill({ status: 503 }))
  await expect(row.getByText(/server has a problem/i)).toBeVisible()
  await page.waitForResponse(response => response.request().method() === 'HEAD' && response.status() === 503)
  await expect(row.getByText(/connection lost/i)).toHaveCount(0)
  await page.unroute('**/api/uploads/**')
  await expectWhole(stack, row, file)
})

test('an upload cancelled by keyboard is told, and focus goes to its neighbour', async ({
  page,
  stack,
  clips,
}) => {
  const files = [await makeClip(clips, 'one.mp4', LARGE), await makeClip(clips, 'two.mp4', LARGE)]
  await page.goto(`${stack.url}/upload`)
  await setNetwork(page, { offline: false })
  await chooseFiles(page, files)
  await midway(rowOf(page).first())
  await page.getByRole('button', { name: 'Cancel One' }).press('Enter')
  await expect(rowOf(page)).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Cancel Two' })).toBeFocused()
  await expect(page.getByRole('status')).toHaveText('One: cancelled')
  await page.keyboard.press('Enter')
  await expect(rowOf(page)).toHaveCount(0)
  await expect(page.getByLabel('Choose videos')).toBeFocused()
  await expect(page.getByRole('status')).toHaveText('Two: cancelled')
  await expect.poll(() => stack.query(`select id from videos where title in ('One', 'Two')`)).toEqual([])
})

test('the same file in two tabs is sent by one of them: the other waits, or takes over', async ({
  page,
  stack,
  clips,
  context,
}) => {
  const file = await makeClip(clips, 'twice.mp4', LARGE)
  const first = await startUpload(page, stack, file, SLOW)
  await midway(first)
  const other = await context.newPage()
  const sent: string[] = []
  other.on('request', request => sent.push(request.method()))
  const second = await startUpload(other, stack, file)
  await expect(second.getByText(/uploaded in another tab/)).toBeVisible()
  await expect(first).toHaveAttribute('data-phase', 'sending')
  expect(sent.filter(method => method !== 'GET')).toEqual([])

  await second.getByRole('button', { name: 'Upload it here instead' }).click()
  await expect(first.getByText(/uploaded in another tab/)).toBeVisible()
  await expect(second).toHaveAttribute('data-phase', 'sending')
  await expectWhole(stack, second, file)
  await expect(first).toHaveAttribute('data-phase', 'sent')
  await expect(first.getByRole('link', { name: 'Watch' })).toBeVisible()
})

test('a tab that waited goes on when the one that sent is closed, and not when it has cancelled', async ({
  page,
  stack,
  clips,
  context,
}) => {
  const file = await makeClip(clips, 'left.mp4', LARGE)
  const other = await context.newPage()
  await midway(await startUpload(other, stack, file, SLOW))
  const row = await startUpload(page, stack, file, SLOW)
  await expect(row.getByText(/uploaded in another tab/)).toBeVisible()
  await other.close()
  await midway(row)
  const third = await context.newPage()
  const waiting = await startUpload(third, stack, file)
  await expect(waiting.getByText(/uploaded in another tab/)).toBeVisible()
  await row.getByRole('button', { name: 'Cancel Left' }).click()
  await expect(waiting.getByText(/cancelled in another tab/)).toBeVisible()
  await expect.poll(() => stack.query(`select id from videos where title = 'Left'`)).toEqual([])
})

function rowOf(page: Page): Locator {
  return page.getByRole('list', { name: 'Your uploads' }).getByRole('listitem')
}

async function startUpload(
  page: Page,
  stack: Stack,
  file: string,
  bytesPerSecond = BYTES_PER_SECOND,
): Promise<Locator> {
  await page.goto(`${stack.url}/upload`)
  await setNetwork(page, { offline: false, bytesPerSecond })
  await chooseFiles(page, file)
  return rowOf(page)
}

/** Slow enough to be caught in the middle. One session for both: the last one to speak is heard. */
async function setNetwork(
  page: Page,
  { offline, bytesPerSecond = BYTES_PER_SECOND }: { offline: boolean; bytesPerSecond?: number },
): Promise<void> {
  const cdp = sessions.get(page) ?? (await page.context().newCDPSession(page))
  sessions.set(page, cdp)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', {
    ...{ offline, latency: 0, downloadThroughput: -1 },
    uploadThroughput: bytesPerSecond,
  })
}
const sessions = new WeakMap<Page, CDPSession>()

/** Waits until some of the file, but not all, has been sent. */
async function midway(row: Locator): Promise<void> {
  await expect(row).toHaveAttribute('data-phase', 'sending')
  const bar = row.getByRole('progressbar')
  await expect
    .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { intervals: [50] })
    .toBeGreaterThan(10)
}

async function expectWhole(stack: Stack, row: Locator, file: string): Promise<void> {
  await expect(row).toHaveAttribute('data-phase', 'sent', { timeout: 60_000 })
  const id = (await row.getAttribute('data-video-id')) ?? ''
  const stored = await readFile(path.join(stack.dataDir, 'storage/sources', id))
  expect(sha256(stored)).toBe(sha256(await readFile(file)))
  const title = path.basename(file, '.mp4')
  expect(await stack.query('select id from videos where lower(title) = $1', [title])).toEqual([{ id }])
  expect(await settled(stack, id)).toMatchObject({ status: 'ready' })
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
