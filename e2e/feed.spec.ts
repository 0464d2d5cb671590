// The feed as a thumb knows it: swipes and flicks by touch, what plays and sounds, and what is fetched for it.
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { CDPSession, Page } from 'playwright/test'
import { type CutClip, cutClip, readyVideo } from '#test/growing.ts'
import { type Stack, storesOf } from './stack.ts'
import { test as base, expect } from './test.ts'

const VIDEOS = 12
const SECONDS = 8

const test = base.extend<{ finger: Finger }, { ids: string[] }>({
  /** newest first, as the feed has them */
  ids: [
    async ({ stack, clips }, use) => {
      const clip = await cutClip(clips, SECONDS)
      const ids: string[] = []
      for (let number = VIDEOS; number > 0; number--) {
        const id = await readyVideo(storesOf(stack), `Video ${number}`, clip)
        await addPoster(stack, id, clip)
        ids.unshift(id)
      }
      await use(ids)
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  finger: async ({ page }, use) => use(await fingerOn(page)),
})
test.use({ workers: 0, hasTouch: true })

test('swipes through all and back: never a black frame, and no more players than at the start', async ({
  page,
  stack,
  ids,
  finger,
}) => {
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  const elements = await keepElements(page)
  for (const [swipe, place] of ROUND.entries()) {
    // On a busy machine a flick may come too slowly to carry: then once more.
    await expect(async () => {
      const missing = place - (await activeIndex(page))
      if (missing !== 0) await finger.flick(missing > 0 ? 1 : -1)
      await expect.poll(() => activeIndex(page), { ...FAST, timeout: 3000 }).toBe(place)
    }).toPass()
    expect(await darkness(page), `after swipe ${swipe + 1}`).toBeLessThan(0.5)
  }
  await expectPlaying(page, ids[0])
  expect(await keepElements(page), 'the same few elements').toBe(elements)
  expect(await countLiving(page, 'MediaSource'), 'of sources that were given back').toBeLessThanOrEqual(
    elements,
  )
  expect(await countLiving(page, 'VTTCue'), 'notes of segments').toBeLessThan(elements * SECONDS)
})

test('five fast flicks: the last one plays, alone, and what was passed is given up', async ({
  page,
  stack,
  ids,
  finger,
}) => {
  const fetched = segmentsOf(page)
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  await page.keyboard.press('m')
  const audible = await countAudible(page)
  for (let flick = 0; flick < 5; flick++) {
    await finger.flick(1)
    await page.waitForTimeout(120) // as a thumb takes
  }
  await expect.poll(() => activeIndex(page)).toBeGreaterThan(2)
  const landed = await settledIndex(page)
  await expectPlaying(page, ids[landed])
  expect(await audible()).toBe(1)
  // Of what was flicked past, not more than begins it: pictures and sound of two segments.
  for (const id of ids.slice(1, landed)) expect(fetched(id), 'passed').toBeLessThanOrEqual(4)
})

test('sound is one choice, remembered across swipes and a reload', async ({ page, stack, ids, finger }) => {
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  expect(await isMuted(page)).toBe(true)
  await page.locator('[data-active]').getByRole('button', { name: 'Turn sound on' }).click()
  await expect.poll(() => isMuted(page)).toBe(false)
  const audible = await countAudible(page)
  await swipeTo(page, finger, 1)
  await expectPlaying(page, ids[1])
  await expect.poll(() => isMuted(page)).toBe(false)
  expect(await audible()).toBe(1)
  await expect(page).toHaveURL(`${stack.url}/v/${ids[1]}`)
  await page.reload()
  await expectPlaying(page, ids[1])
  await expect.poll(() => isMuted(page)).toBe(false)
})

test('the next two are warmed with their first segment, and the one that plays is not far ahead', async ({
  page,
  stack,
  ids,
}) => {
  const fetched = segmentsOf(page)
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  // Of picture and sound each one.
  await expect.poll(() => [fetched(ids[1]), fetched(ids[2])]).toEqual([2, 2])
  await expect.poll(() => timeOf(page)).toBeGreaterThan(2.2)
  expect([fetched(ids[1]), fetched(ids[2]), fetched(ids[3])]).toEqual([2, 2, 0])
  const ahead = await page.evaluate(() => {
    const video = document.querySelector<HTMLVideoElement>('[data-active] video')
    return video ? video.buffered.end(video.buffered.length - 1) - video.currentTime : Infinity
  })
  expect(ahead).toBeLessThan(4.5)
})

test('a link opens the feed at its video, with the title in the HTML; swiping goes on from there', async ({
  page,
  stack,
  ids,
  finger,
}) => {
  const linked = ids[5]
  const html = await (await fetch(`${stack.url}/v/${linked}`)).text()
  expect(html).toContain('<title>Video 6 · pgreel</title>')
  expect(html).toContain('<bdi>Video 6</bdi>')
  await page.goto(`${stack.url}/v/${linked}`)
  await expectPlaying(page, linked)
  await swipeTo(page, finger, 1)
  await expectPlaying(page, ids[0])
  await expect(page).toHaveURL(`${stack.url}/v/${ids[0]}`)
  await swipeTo(page, finger, 0)
  await expectPlaying(page, linked)
  await expect(page).toHaveURL(`${stack.url}/v/${linked}`)
})

test('a reload that overtakes the change of the address begins where one was', async ({
  page,
  stack,
  ids,
}) => {
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  await page.keyboard.press('j')
  await expectPlaying(page, ids[1])
  // The browser has begun it with what the entry was before.
  await page.evaluate(() => History.prototype.replaceState.call(history, null, '', '/'))
  await page.reload()
  await expectPlaying(page, ids[1])
  await expect(page).toHaveURL(`${stack.url}/v/${ids[1]}`)
})

test('a loop begins again in the rung that plays by then', async ({ page, stack, ids }) => {
  const id = ids[0] ?? ''
  await addRung(stack, id)
  // As at a first visit on a slow connection: the first segment is a small one.
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.addInitScript(() => {
    localStorage.setItem('videojs-vhs', '{"bandwidth":300000}')
  })
  const height = () =>
    page.evaluate(() => document.querySelector<HTMLVideoElement>('[data-active] video')?.videoHeight)
  await expect(async () => {
    await page.goto(`${stack.url}/v/${id}`)
    await expect.poll(height, { ...OFTEN, timeout: 8000 }).toBe(240)
  }).toPass()
  await expect.poll(height, OFTEN).toBe(480)
  // Where the new beginning comes too late, on a machine that is busy with other tests, the next round has it.
  await expect(async () => {
    await expect.poll(() => timeOf(page), OFTEN).toBeGreaterThan(SECONDS - 1)
    await expect.poll(() => timeOf(page), OFTEN).toBeLessThan(1)
    await expect.poll(() => timeOf(page), OFTEN).toBeGreaterThan(0.3)
    expect(await height()).toBe(480)
  }).toPass({ timeout: 3 * SECONDS * 1000 })
})

test('what was watched comes last, and nothing moves for it', async ({ page, stack, ids }) => {
  await page.addInitScript(
    seen => localStorage.setItem('pgreel.seen', JSON.stringify(seen)),
    [ids[0], ids[1], ids[2]],
  )
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  for (const id of [...ids.slice(3), ids[1], ids[2]]) {
    await page.keyboard.press('j')
    await expectPlaying(page, id)
  }
  await expect(page.getByText('That was all there is, for now.')).toBeAttached()
})

test('a tap pauses and plays, two like it', async ({ page, stack, ids, finger }) => {
  const likes: string[] = []
  await page.route('**/like', async route => {
    likes.push(route.request().method())
    await route.fulfill({ json: { liked: true, likes: 1 } })
  })
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  await finger.tap()
  // At once after the pause: it plays, though the browser would still count it as a second one.
  await page.waitForFunction(() => document.querySelector<HTMLVideoElement>('[data-active] video')?.paused)
  await finger.tap()
  await expect.poll(() => isPaused(page)).toBe(false)
  expect(likes).toEqual([])
  await Promise.all([finger.tap(), finger.tap()])
  await expect.poll(() => likes).toEqual(['PUT'])
  expect(await isPaused(page)).toBe(false)
})

test('nothing starts by itself for who asked for less motion', async ({ page, stack, ids }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  const fetched = segmentsOf(page)
  await page.goto(stack.url)
  await page.locator('[data-active]').getByRole('button', { name: 'Play' }).click()
  await expectPlaying(page, ids[0])
  await page.keyboard.press('j')
  await expect.poll(() => activeIndex(page)).toBe(1)
  await expect(page.locator('[data-active] video')).toHaveCount(0)
  expect(fetched(ids[1])).toBe(0)
})

test('without a network the feed says so, and goes on by itself with one', async ({
  page,
  context,
  stack,
  ids,
}) => {
  await page.goto(stack.url)
  await expectPlaying(page, ids[0])
  await context.setOffline(true)
  for (let index = 1; index < 6; index++) {
    await page.keyboard.press('j')
    await expect.poll(() => activeIndex(page)).toBe(index)
  }
  await expect(page.getByText(/You are offline/)).toBeVisible()
  await expect(page.getByText(/server could not be reached/)).toBeAttached()
  await context.setOffline(false)
  await expectPlaying(page, ids[5])
  await expect(page.getByText(/You are offline/)).toHaveCount(0)
  await page.keyboard.press('j')
  await expectPlaying(page, ids[6])
})

/** where each swipe leads: to the last, and back to the first */
const ROUND = [...Array(2 * (VIDEOS - 1)).keys()].map(swipe =>
  Math.min(swipe + 1, 2 * (VIDEOS - 1) - swipe - 1),
)
const FAST = { intervals: [30] }
const OFTEN = { intervals: [50] }

interface Finger {
  /** 1 brings the next video, -1 the one before */
  flick(direction: 1 | -1): Promise<void>
  tap(): Promise<void>
}

async function fingerOn(page: Page): Promise<Finger> {
  const devtools: CDPSession = await page.context().newCDPSession(page)
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', y?: number) =>
    devtools.send('Input.dispatchTouchEvent', { type, touchPoints: y === undefined ? [] : [{ x: 195, y }] })
  return {
    async flick(direction) {
      const from = 430 + direction * 250
      // Not waited for one by one: a page that is busy must not slow the finger.
      const sent = [touch('touchStart', from)]
      for (let move = 1; move <= 8; move++) {
        await page.waitForTimeout(12)
        sent.push(touch('touchMove', from - direction * move * 60))
      }
      await Promise.all([...sent, touch('touchEnd')])
    },
    async tap() {
      await Promise.all([touch('touchStart', 420), touch('touchEnd')])
    },
  }
}

/** Of a class, after what nothing holds has been collected. */
async function countLiving(page: Page, name: 'MediaSource' | 'VTTCue'): Promise<number> {
  const devtools = await page.context().newCDPSession(page)
  const { result: prototype } = await devtools.send('Runtime.evaluate', { expression: `${name}.prototype` })
  const { objects } = await devtools.send('Runtime.queryObjects', {
    prototypeObjectId: prototype.objectId ?? '',
  })
  const { result: count } = await devtools.send('Runtime.callFunctionOn', {
    objectId: objects.objectId,
    functionDeclaration: 'function () { return this.length }',
  })
  return Number(count.value)
}

async function activeIndex(page: Page): Promise<number> {
  return Number(await page.locator('[data-active]').getAttribute('data-index'))
}

/** Once the feed stands still. */
async function settledIndex(page: Page): Promise<number> {
  const top = () => page.getByRole('feed').evaluate(feed => feed.scrollTop / feed.clientHeight)
  await expect.poll(async () => Number.isInteger(await top())).toBe(true)
  return activeIndex(page)
}

/** On a busy machine a flick may carry too little, or two videos far: then the next one mends it. */
async function swipeTo(page: Page, finger: Finger, place: number): Promise<void> {
  await expect(async () => {
    const missing = place - (await settledIndex(page))
    if (missing !== 0) await finger.flick(missing > 0 ? 1 : -1)
    expect(await settledIndex(page)).toBe(place)
  }).toPass()
}

/** The share of black in the middle of the stage. */
async function darkness(page: Page): Promise<number> {
  const png = await page.screenshot({ clip: { x: 45, y: 380, width: 300, height: 120 } })
  return page.evaluate(async base64 => {
    const bytes = Uint8Array.from(atob(base64), character => character.charCodeAt(0))
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
    const canvas = new OffscreenCanvas(image.width, image.height)
    const paper = canvas.getContext('2d')
    paper?.drawImage(image, 0, 0)
    const pixels = paper?.getImageData(0, 0, image.width, image.height).data ?? []
    let dark = 0
    for (let at = 0; at < pixels.length; at += 4) {
      if ((pixels[at] ?? 0) + (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0) < 60) dark++
    }
    return dark / (pixels.length / 4)
  }, png.toString('base64'))
}

/** @returns their number, or a complaint where one of them is not of the first call */
function keepElements(page: Page): Promise<number> {
  return page.evaluate(() => {
    const holder = window as unknown as { kept?: Set<HTMLVideoElement> }
    const videos = [...document.querySelectorAll('video')]
    holder.kept ??= new Set()
    for (const video of videos) holder.kept.add(video)
    return Math.max(4, holder.kept.size)
  })
}

/** Looks at each frame from now on. @returns the most that could be heard at once */
async function countAudible(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const look = () => {
      const heard = [...document.querySelectorAll('video')].filter(video => !video.paused && !video.muted)
      const most = Number(document.body.dataset.audible ?? 0)
      document.body.dataset.audible = String(Math.max(most, heard.length))
      requestAnimationFrame(look)
    }
    look()
  })
  return () => page.evaluate(() => Number(document.body.dataset.audible))
}

/** @returns how many segments, of picture and sound, a video was asked for */
function segmentsOf(page: Page): (id: string | undefined) => number {
  const paths: string[] = []
  page.on('request', request => {
    const { pathname } = new URL(request.url())
    if (pathname.endsWith('.m4s')) paths.push(pathname)
  })
  return id => paths.filter(one => one.includes(id ?? 'none')).length
}

function timeOf(page: Page): Promise<number> {
  return page.evaluate(
    () => document.querySelector<HTMLVideoElement>('[data-active] video')?.currentTime ?? 0,
  )
}

function isMuted(page: Page): Promise<boolean | undefined> {
  return page.evaluate(() => document.querySelector<HTMLVideoElement>('[data-active] video')?.muted)
}

function isPaused(page: Page): Promise<boolean | undefined> {
  return page.evaluate(() => document.querySelector<HTMLVideoElement>('[data-active] video')?.paused)
}

async function expectPlaying(page: Page, id: string | undefined): Promise<void> {
  const time = () =>
    page.evaluate(
      id =>
        document.querySelector<HTMLVideoElement>(`[data-active][data-video-id="${id}"] video`)?.currentTime ??
        0,
      id,
    )
  await expect.poll(time, FAST).toBeGreaterThan(0.1)
}

/** A bright one, beside its playlists. */
async function addPoster({ query, dataDir }: Stack, id: string, clip: CutClip): Promise<void> {
  const [row] = await query<{ url_hls: string }>('select url_hls from videos where id = $1', [id])
  const key = path.posix.join(path.posix.dirname(row?.url_hls ?? ''), 'poster.jpg')
  const video = path.join(clip.folder, 'v240')
  const input = `concat:${path.join(video, 'init.mp4')}|${path.join(video, '00000.m4s')}`
  const output = path.join(dataDir, 'storage', key)
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-i', input, '-frames:v', '1', output])
  // Told to be tall, it fills the screen.
  await query('update videos set thumbnail = $2, width = 240, height = 426 where id = $1', [id, key])
}

/** A better one, as a ladder has it. */
async function addRung({ query, dataDir }: Stack, id: string): Promise<void> {
  const [row] = await query<{ url_hls: string }>('select url_hls from videos where id = $1', [id])
  const master = path.join(dataDir, 'storage', row?.url_hls ?? '')
  const folder = path.join(path.dirname(master), 'v480')
  await mkdir(folder)
  await promisify(execFile)('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc=s=854x480:r=30:d=${SECONDS}`, '-c:v', 'libx264'],
    ...['-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', '-keyint_min', '60', '-sc_threshold', '0'],
    ...['-avoid_negative_ts', 'disabled', '-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod'],
    ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', 'init.mp4'],
    ...['-hls_segment_filename', path.join(folder, '%05d.m4s'), path.join(folder, 'index.m3u8')],
  ])
  const text = await readFile(master, 'utf8')
  const [low = ''] = /#EXT-X-STREAM-INF:.*\n.*\n/.exec(text) ?? []
  const high = low.replace(/BANDWIDTH=\d+/g, 'BANDWIDTH=2000000').replace('426x240', '854x480')
  await writeFile(master, text.replace(low, low + high.replace('v240/', 'v480/')))
  await query('update videos set width = 854, height = 480 where id = $1', [id])
}
