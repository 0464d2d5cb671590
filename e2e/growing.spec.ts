// A video that plays while its first rung grows, and what becomes of those who watch it then. The test
// grows it by hand, without a worker, so that it knows what is there at each moment.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Page } from 'playwright/test'
import { makeClip } from '#test/clips.ts'
import {
  type CutClip,
  cutClip,
  type Growing,
  publishGrowing,
  publishLadder,
  waitingVideo,
} from '#test/growing.ts'
import { type Stack, startStack, storesOf, upload } from './stack.ts'
import { test as base, expect } from './test.ts'

const SECONDS = 24
// The end of what loops lasts a moment, which a look every second may miss.
const OFTEN = { intervals: [50] }

// They look and wait more than they work, and this file is the last to begin.
base.describe.configure({ mode: 'parallel' })
const test = base.extend<object, { clip: CutClip }>({
  clip: [async ({ clips }, use) => use(await cutClip(clips, SECONDS)), { scope: 'worker', timeout: 60_000 }],
})
test.use({ workers: 0 })

test('who joins while 16 of 24 s are out starts at 0, sees the true length, seeks in what is there, and plays on through the end of growth', async ({
  page,
  stack,
  clip,
}) => {
  const { id, growing } = await growVideo(stack, clip, 'Growing', 8)
  const { hlsUrl, playable, status } = await stack.video(id)
  expect({ playable, status }).toEqual({ playable: true, status: 'processing' })
  const lists = requestsOf(page, '.m3u8')
  await page.goto(`${stack.url}/v/${id}`)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(0.3)
  expect(await timeOf(page)).toBeLessThan(8)
  const slider = page.getByRole('slider', { name: 'Position' })
  await expect(slider).toHaveAttribute('max', String(SECONDS))
  await expect(slider).toHaveAttribute('aria-valuetext', /of 0:24, the first 0:16 can be played so far$/)
  await expect(page.getByText('Ready to watch, better quality is on its way')).toBeVisible()

  // Beyond what is there, by hand and by key: to its end, no further.
  await slider.fill('23')
  await expect.poll(() => timeOf(page)).toBeGreaterThan(14)
  expect(await timeOf(page)).toBeLessThan(16.5)
  await slider.fill('11')
  await expect.poll(() => timeOf(page)).toBeGreaterThan(11.3)
  expect(await timeOf(page)).toBeLessThan(14)

  await watchStandstill(page)
  await growing.grow(10)
  await growing.complete()
  await expect(slider).toHaveAttribute('aria-valuetext', /of 0:24$/)
  await expect.poll(() => timeOf(page), { ...OFTEN, timeout: 30_000 }).toBeGreaterThan(23)
  expect(await longestStandstill(page)).toBeLessThan(300)
  // It loops, and the list's lasting address is no reason to load it anew.
  await expect.poll(() => timeOf(page), OFTEN).toBeLessThan(5)
  expect(addressesOf(lists, id)).toEqual([hlsUrl])
  await publishLadder(storesOf(stack), id, clip)
})

test('an end that is told after the last segment is one', async ({ page, stack, clip }) => {
  const { id, growing } = await growVideo(stack, clip, 'Told late', SECONDS / 2)
  await page.goto(`${stack.url}/v/${id}`)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(0.3)
  await page.getByRole('slider').fill('21')
  await expect.poll(() => bufferedTo(page)).toBeGreaterThan(SECONDS - 0.1)
  await growing.complete()
  await expect.poll(() => timeOf(page), OFTEN).toBeGreaterThan(SECONDS - 0.5)
  await expect.poll(() => timeOf(page), OFTEN).toBeLessThan(5)
  await publishLadder(storesOf(stack), id, clip)
})

test('the ladder is taken where the video begins again, not before', async ({ page, stack, clip }) => {
  const { id, growing } = await growVideo(stack, clip, 'With a ladder', 12)
  const first = await stack.video(id)
  await growing.complete()
  const lists = requestsOf(page, '.m3u8')
  await page.goto(`${stack.url}/v/${id}`)
  const rung = await stack.video(id)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(0.3)
  await publishLadder(storesOf(stack), id, clip)
  const ladder = await stack.video(id)
  await expect(page.getByText('Ready to watch, better quality')).toHaveCount(0)
  await page.getByRole('slider').fill('20')
  await expect.poll(() => timeOf(page), { intervals: [50] }).toBeGreaterThan(23)
  expect(addressesOf(lists, id)).toEqual([rung.hlsUrl])
  expect(rung.hlsUrl).not.toBe(first.hlsUrl)
  await expect.poll(() => timeOf(page), { intervals: [50] }).toBeLessThan(5)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(0.5)
  expect(addressesOf(lists, id)).toEqual([rung.hlsUrl, ladder.hlsUrl])
  await expect(page.locator('canvas')).toHaveCount(0)
  // It has what is newest: from now on it loops as ever.
  await page.getByRole('slider').fill('22')
  await expect.poll(() => timeOf(page), { intervals: [50] }).toBeLessThan(5)
  expect(addressesOf(lists, id)).toEqual([rung.hlsUrl, ladder.hlsUrl])
})

test('when the worker of a growing list died, its successor is gone on with at the same place', async ({
  page,
  stack,
  clip,
}) => {
  const { id } = await growVideo(stack, clip, 'Two workers', 8)
  const { hlsUrl } = await stack.video(id)
  const lists = requestsOf(page, '.m3u8')
  await page.goto(`${stack.url}/v/${id}`)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(0.3)
  await page.getByRole('slider').fill('12')
  await expect.poll(() => timeOf(page)).toBeGreaterThan(12.3)
  const before = await timeOf(page)
  const successor = await publishGrowing(storesOf(stack), id, clip, 8)
  await expect.poll(() => addressesOf(lists, id)).toEqual([hlsUrl, (await stack.video(id)).hlsUrl])
  // Until it is where the other was, the last picture of that one stands.
  await expect(page.locator('canvas')).toHaveCount(0)
  expect(await timeOf(page)).toBeGreaterThan(before - 0.1)
  expect(await timeOf(page)).toBeLessThan(before + 3)
  await successor.complete()
  await expect.poll(() => timeOf(page), { timeout: 30_000 }).toBeGreaterThan(20)
  await publishLadder(storesOf(stack), id, clip)
})

test('who has come to the end of a list that nobody adds to goes on in what took its place', async ({
  page,
  stack,
  clip,
}) => {
  const { id } = await growVideo(stack, clip, 'Overtaken', 2)
  await page.goto(`${stack.url}/v/${id}`)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(3.5)
  await publishLadder(storesOf(stack), id, clip)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(5)
})

test('who has run dry goes on under the lasting address, however often the ladder says how far it is', async ({
  page,
  stack,
  clip,
}) => {
  const { id, growing } = await growVideo(stack, clip, 'Dry', 2)
  // A cache between them that knows two segments, and nothing newer.
  const kept = new Map<string, string>()
  await page.route('**/publications/**/*.m3u8', async route => {
    const url = route.request().url()
    if (!kept.has(url)) kept.set(url, await (await route.fetch()).text())
    await route.fulfill({ body: kept.get(url) ?? '', contentType: 'application/vnd.apple.mpegurl' })
  })
  await page.goto(`${stack.url}/v/${id}`)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(3.5)
  await growing.complete()
  const tellsProgress = setInterval(() => {
    const progress = 'update videos set progress = least(0.9, progress + 0.01) where id = $1'
    stack.query(progress, [id]).catch(() => {})
  }, 500)
  await expect.poll(() => timeOf(page)).toBeGreaterThan(5)
  clearInterval(tellsProgress)
  await publishLadder(storesOf(stack), id, clip)
})

test('what a worker makes is watched to its end and again from 0 while it is made, also when its sound is shorter', async ({
  page,
  clips,
}) => {
  const ffmpeg = path.join(clips, 'slow-ffmpeg')
  // Its last segments are there for a while before it ends: whoever listed them then would leave players there.
  const slowly = `#!/bin/sh
case "$*" in
  *low/ffmpeg.m3u8*) set -- -readrate 0.1 "$@";;
  *ffmpeg.m3u8*) ffmpeg -readrate 3 "$@" && exec sleep 2;;
esac
exec ffmpeg "$@"
`
  await writeFile(ffmpeg, slowly, { mode: 0o755 })
  const own = await startStack({ env: { LADDER: '240', FFMPEG_PATH: ffmpeg } })
  try {
    const options = ['-c:v', 'mpeg4', '-af', 'atrim=end=3.3']
    const id = await upload(own, await makeClip(clips, 'short-sound.mp4', { seconds: 6, options }))
    await expect.poll(async () => (await own.video(id)).playable).toBe(true)
    const lists = requestsOf(page, '.m3u8')
    await page.goto(`${own.url}/v/${id}`)
    await expect.poll(() => timeOf(page)).toBeGreaterThan(0.3)
    expect(await own.video(id)).toMatchObject({ status: 'processing' })
    await watchStandstill(page)
    await expect.poll(() => timeOf(page), OFTEN).toBeGreaterThan(5)
    await expect.poll(() => timeOf(page), OFTEN).toBeLessThan(2)
    // Who misses the end stands for the 5 s until it looks again (follow-video.ts); a busy machine takes two.
    expect(await longestStandstill(page)).toBeLessThan(4000)
    expect(addressesOf(lists, id), 'one list to the end').toHaveLength(1)
  } finally {
    await own.stop()
  }
})

test('its playlists: compressed, never kept, for players anywhere; gone with the video', async ({
  stack,
  clip,
}) => {
  const { id, growing } = await growVideo(stack, clip, 'Lists', 2)
  const { hlsUrl } = await stack.video(id)
  const master = new URL(hlsUrl ?? '', stack.url).href
  expect(hlsUrl).toBe(`/api/videos/${id}/publications/${growing.publicationId}/master.m3u8`)
  for (const url of [master, new URL('v240.m3u8', master).href, new URL('audio.m3u8', master).href]) {
    const response = await fetch(url, {
      headers: { 'Accept-Encoding': 'gzip', Origin: 'https://elsewhere.example' },
    })
    expect(Object.fromEntries(response.headers), url).toMatchObject({
      ...{ 'content-type': 'application/vnd.apple.mpegurl', 'cache-control': 'no-store' },
      ...{ 'access-control-allow-origin': '*', 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
    })
    expect(await response.text()).toMatch(/^#EXTM3U\n/)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const preflight = await fetch(url, { method: 'OPTIONS' })
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Origin')]).toEqual([204, '*'])
  }
  const list = await (await fetch(new URL('v240.m3u8', master))).text()
  expect(list.match(/^\/media\/.*\.m4s$/gm)).toHaveLength(2)
  await growing.grow(3)
  const longer = await (await fetch(new URL('v240.m3u8', master))).text()
  expect(longer.startsWith(list)).toBe(true)
  for (const uri of [...longer.matchAll(/\/media\/[^"\n]+/g)]) {
    expect((await fetch(new URL(uri[0], stack.url))).status, uri[0]).toBe(200)
  }

  const unknown = crypto.randomUUID()
  for (const address of [
    master.replace(id, unknown),
    master.replace(growing.publicationId, unknown),
    master.replace(growing.publicationId, 'nonsense'),
    master.replace(id, '%00'),
    new URL('v720.m3u8', master).href,
    new URL('master.mpd', master).href,
  ]) {
    const response = await fetch(address)
    expect(response.status, address).toBe(404)
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(await response.json()).toMatchObject({ status: 404, code: 'not_found' })
  }

  // What took its place changes nothing for who plays it; a ladder has no list here.
  await publishLadder(storesOf(stack), id, clip)
  const [ladder] = await stack.query<{ publication_id: string }>(
    'select publication_id from videos where id = $1',
    [id],
  )
  expect((await fetch(master)).status).toBe(200)
  expect((await fetch(master.replace(growing.publicationId, `${ladder?.publication_id}`))).status).toBe(404)
  await fetch(`${stack.url}/api/videos/${id}`, { method: 'DELETE' })
  expect((await fetch(master)).status).toBe(404)
})

async function growVideo(
  stack: Stack,
  clip: CutClip,
  title: string,
  count: number,
): Promise<{ id: string; growing: Growing }> {
  const id = await waitingVideo(stack.query, title, clip)
  return { id, growing: await publishGrowing(storesOf(stack), id, clip, count) }
}

function timeOf(page: Page): Promise<number> {
  return page.evaluate(
    () => document.querySelector<HTMLVideoElement>('[data-active] video')?.currentTime ?? 0,
  )
}

function bufferedTo(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { buffered } = document.querySelector<HTMLVideoElement>('[data-active] video') ?? {}
    return buffered?.length ? buffered.end(buffered.length - 1) : 0
  })
}

/** The paths asked for, in order. */
function requestsOf(page: Page, ending: string): string[] {
  const paths: string[] = []
  page.on('request', request => {
    const { pathname } = new URL(request.url())
    if (pathname.endsWith(ending)) paths.push(pathname)
  })
  return paths
}

/** Master playlists of one video, each once: others load ahead. */
function addressesOf(lists: string[], id: string): string[] {
  return [...new Set(lists.filter(list => list.endsWith('/master.m3u8') && list.includes(id)))]
}

/** From now on notes how long the picture stands, at the longest, while it should play. */
async function watchStandstill(page: Page): Promise<void> {
  await page.evaluate(() => {
    const video = document.querySelector<HTMLVideoElement>('[data-active] video')
    if (!video) return
    let [time, since] = [video.currentTime, performance.now()]
    setInterval(() => {
      const now = performance.now()
      if (video.currentTime !== time) [time, since] = [video.currentTime, now]
      video.dataset.stood = String(Math.max(Number(video.dataset.stood ?? 0), now - since))
    }, 20)
  })
}

function longestStandstill(page: Page): Promise<number> {
  return page.evaluate(() =>
    Number(document.querySelector<HTMLVideoElement>('[data-active] video')?.dataset.stood),
  )
}
