// What lies over a playing video: each control by hand and by key, its role and its name.
import type { Locator, Page } from 'playwright/test'
import { addCaptions, addStoryboard } from '#test/extras.ts'
import { cutClip, readyVideo } from '#test/growing.ts'
import { type Stack, storesOf } from './stack.ts'
import { test as base, expect } from './test.ts'

const SECONDS = 20
const THREE_ROWS = 'Guten Tag\nund willkommen\nam Meer'

interface Feed {
  first: string
  second: string
}

// They share a stack and look more than they work.
base.describe.configure({ mode: 'default' })
const test = base.extend<object, { feed: Feed }>({
  feed: [
    async ({ stack, clips }, use) => {
      const stores = storesOf(stack)
      const clip = await cutClip(clips, SECONDS)
      const second = await readyVideo(stores, 'Second', clip)
      const first = await readyVideo(stores, 'First', clip)
      await addStoryboard(stores, first, SECONDS)
      await addCaptions(stores, first, { language: 'de', label: 'German', text: THREE_ROWS })
      await addCaptions(stores, first, { language: 'en', label: 'English', text: 'Good day' })
      await use({ first, second })
    },
    { scope: 'worker', timeout: 60_000 },
  ],
})
test.use({ workers: 0 })

test('every control of the feed has a role and a name, and is large enough for a thumb', async ({
  page,
  stack,
  feed,
}) => {
  const article = await openFeed(page, stack, feed.first)
  await expect(article.getByRole('button', { name: 'Like' })).toHaveAttribute('aria-pressed', 'false')
  for (const name of ['Captions', 'More']) {
    await expect(article.getByRole('button', { name })).toHaveAttribute('aria-haspopup', 'menu')
  }
  const controls = [
    ...['Like', 'Share', 'Captions', 'Turn sound on', 'More'].map(name =>
      article.getByRole('button', { name }),
    ),
    article.getByRole('slider', { name: 'Position' }),
  ]
  for (const control of controls) {
    const box = await control.boundingBox()
    expect(Math.min(box?.width ?? 0, box?.height ?? 0), String(control)).toBeGreaterThanOrEqual(44)
  }
})

test('the keys do what the help lists, and only where nobody types and nothing else has them', async ({
  page,
  stack,
  feed,
}) => {
  const article = await openFeed(page, stack, feed.first)
  await page.keyboard.press('?')
  const help = page.getByRole('dialog', { name: 'Keys' })
  await expect(help).toBeVisible()
  expect(await help.locator('kbd').allTextContents()).toEqual([
    '↓',
    'j',
    '↑',
    'k',
    'Space',
    '←',
    '→',
    'm',
    'c',
    'f',
    'l',
    '?',
  ])
  // Under a dialog the video stays as it is, also when nothing in it has the focus.
  await help.getByRole('heading').click()
  await page.keyboard.press('j')
  await page.keyboard.press('m')
  await page.keyboard.press('Escape')
  await expect(help).toHaveCount(0)
  await expect(article).toHaveAttribute('data-active', 'true')

  await page.keyboard.press('m')
  await expect(article.getByRole('status')).toHaveText('Sound on')
  await expect(article.getByRole('button', { name: 'Turn sound off' })).toBeVisible()
  await page.keyboard.press('Control+m')
  await page.keyboard.press('CapsLock')
  await page.keyboard.press('m')
  await expect(article.getByRole('button', { name: 'Turn sound on' })).toBeVisible()

  await page.keyboard.press(' ')
  await expect(article.getByRole('button', { name: 'Play' })).toBeVisible()
  const before = await timeOf(article)
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => timeOf(article)).toBeCloseTo(before + SECONDS / 10, 0)
  await page.keyboard.press('ArrowLeft')
  await expect.poll(() => timeOf(article)).toBeCloseTo(before, 0)

  for (const [down, up] of [
    ['j', 'k'],
    ['ArrowDown', 'ArrowUp'],
  ] as const) {
    await page.keyboard.press(down)
    await expect(articleOf(page, feed.second)).toHaveAttribute('data-active', 'true')
    await page.keyboard.press(up)
    await expect(article).toHaveAttribute('data-active', 'true')
  }
})

test('captions are chosen from a menu by keys, remembered, and switched with one', async ({
  page,
  stack,
  feed,
}) => {
  const article = await openFeed(page, stack, feed.first)
  const button = article.getByRole('button', { name: 'Captions' })
  await button.focus()
  await page.keyboard.press('Enter')
  const menu = page.getByRole('menu', { name: 'Captions' })
  await expect(menu.getByRole('menuitemradio', { name: 'Off' })).toBeFocused()
  await expect(menu.getByRole('menuitemradio')).toHaveText(['Off', 'German', 'English'])
  // Its arrows are its own, and so are its letters.
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('e')
  await expect(menu.getByRole('menuitemradio', { name: 'English' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(menu).toHaveCount(0)
  await expect(button).toBeFocused()
  await expect(article).toHaveAttribute('data-active', 'true')
  await expect.poll(() => captionsOf(article)).toEqual(['Good day'])

  await page.reload()
  await expect.poll(() => captionsOf(article)).toEqual(['Good day'])
  await page.keyboard.press('c')
  await expect(article.getByRole('status')).toHaveText('Captions off')
  await expect.poll(() => captionsOf(article)).toEqual([])
  // By one key: those of the browser's language.
  await page.keyboard.press('c')
  await expect(article.getByRole('status')).toHaveText('Captions: English')
  await expect.poll(() => captionsOf(article)).toEqual(['Good day'])
  const english = await lineOf(article)
  await button.click()
  await menu.getByRole('menuitemradio', { name: 'German' }).click()
  await expect.poll(() => captionsOf(article)).toEqual([THREE_ROWS])
  expect(await lineOf(article), 'all rows above the controls').toBe(english - 2)
})

test('the speed that is chosen holds for every video, until the tab is closed', async ({
  page,
  stack,
  feed,
}) => {
  const article = await openFeed(page, stack, feed.first)
  const speedOf = (id: string) =>
    articleOf(page, id)
      .locator('video')
      .evaluate((video: HTMLVideoElement) => video.playbackRate)
  await article.getByRole('button', { name: 'More' }).click()
  const speeds = page.getByRole('menu', { name: 'More' }).getByRole('group', { name: 'Speed' })
  await expect(speeds.getByRole('menuitemradio', { name: 'Normal' })).toBeChecked()
  await speeds.getByRole('menuitemradio', { name: '1.5×' }).click()
  await expect.poll(() => speedOf(feed.first)).toBe(1.5)
  // What closes a menu does nothing else.
  await article.getByRole('button', { name: 'More' }).click()
  await expect(speeds.getByRole('menuitemradio', { name: '1.5×' })).toBeChecked()
  await page.mouse.click(60, 300)
  await expect(speeds).toHaveCount(0)
  await expect(article.getByRole('button', { name: 'Pause' })).toBeVisible()
  await page.keyboard.press('j')
  await expect(articleOf(page, feed.second)).toHaveAttribute('data-active', 'true')
  await expect.poll(() => speedOf(feed.second)).toBe(1.5)
  await page.reload()
  await expect.poll(() => speedOf(feed.second)).toBe(1.5)
})

test('over the scrubber stands the storyboard’s picture: under a mouse, a drag and the keys', async ({
  page,
  stack,
  feed,
}) => {
  const article = await openFeed(page, stack, feed.first)
  const slider = article.getByRole('slider', { name: 'Position' })
  const tile = article.locator('[data-storyboard-tile]')
  const box = await slider.boundingBox()
  if (!box) throw new Error('no scrubber')
  const y = box.y + box.height / 2
  const at = (seconds: number) => box.x + 7 + ((box.width - 14) * seconds) / SECONDS
  await page.mouse.move(at(5), y)
  await expect(tile).toHaveCSS('background-position', '-320px 0px')
  await expect(tile).toHaveCSS('background-image', /storyboard\.jpg"\)$/)
  const start = await timeOf(article)
  expect(start).toBeLessThan(5)

  // A drag shows where it is, and goes there at its end, wherever the hand is by then.
  await page.mouse.down()
  await page.mouse.move(at(9), y)
  await page.mouse.move(at(13), y - 60)
  await expect(tile).toHaveCSS('background-position', '-960px 0px')
  await expect(slider).toHaveAttribute('aria-valuetext', '0:13 of 0:20')
  expect(await timeOf(article)).toBeLessThan(5)
  await page.mouse.up()
  await expect.poll(() => timeOf(article)).toBeGreaterThan(12.5)
  await page.mouse.move(200, 200)
  await expect(tile).toHaveCount(0)

  await page.keyboard.press(' ')
  await slider.focus()
  await page.keyboard.press('Home')
  await expect(tile).toHaveCSS('background-position', '0px 0px')
  await expect.poll(() => timeOf(article)).toBe(0)
})

test('a like counts at once, and as the server says; refused, it is taken back', async ({
  page,
  stack,
  feed,
}) => {
  let answers: { status: number; body: object }[] = []
  const asked: string[] = []
  await page.route('**/like', async route => {
    asked.push(route.request().method())
    const answer = answers.shift()
    if (answer) await route.fulfill({ status: answer.status, json: answer.body })
  })
  const article = await openFeed(page, stack, feed.first)
  const like = article.getByRole('button', { name: /^Like/ })
  answers = [
    { status: 200, body: { likes: 7, liked: true } },
    { status: 503, body: { code: 'unavailable', detail: 'The server is busy. Try again.' } },
  ]
  await page.keyboard.press('l')
  await expect(like).toHaveAttribute('aria-pressed', 'true')
  await expect(like).toHaveAccessibleName('Like, 7 so far')
  await like.click()
  await expect(article.getByRole('status')).toHaveText('The server is busy. Try again.')
  await expect(like).toHaveAttribute('aria-pressed', 'true')
  await expect(like).toHaveAccessibleName('Like, 7 so far')
  expect(asked).toEqual(['PUT', 'DELETE'])
})

test('where the server has no likes, the button goes', async ({ page, stack, feed }) => {
  await page.route('**/like', route =>
    route.fulfill({ status: 404, json: { code: 'not_found', detail: 'No.' } }),
  )
  const article = await openFeed(page, stack, feed.first)
  await article.getByRole('button', { name: 'Like' }).click()
  await expect(article.getByRole('button', { name: 'Like' })).toHaveCount(0)
})

test('a link is shared by the system, or copied from a dialog that says so', async ({
  page,
  context,
  stack,
  feed,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const article = await openFeed(page, stack, feed.first)
  const share = article.getByRole('button', { name: 'Share' })
  await share.click()
  const dialog = page.getByRole('dialog', { name: 'Share this video' })
  const address = `${stack.url}/v/${feed.first}`
  await expect(dialog.getByRole('textbox', { name: 'Link' })).toHaveValue(address)
  await expect(dialog.getByRole('button', { name: 'Copy link' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(dialog.getByRole('status')).toHaveText('Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(address)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await expect(share).toBeFocused()

  await page.evaluate(() => {
    const shared = (data: ShareData) => {
      document.title = `shared ${data.url}`
      return Promise.resolve()
    }
    Object.assign(navigator, { share: shared, canShare: () => true })
  })
  await share.click()
  await expect(page).toHaveTitle(`shared ${address}`)
  await expect(dialog).toHaveCount(0)
})

test('in full screen the controls come along, and the menus', async ({ page, stack, feed }) => {
  const article = await openFeed(page, stack, feed.first)
  await page.keyboard.press('f')
  await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(true)
  await article.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Leave full screen' }).click()
  await expect.poll(() => page.evaluate(() => document.fullscreenElement)).toBeNull()

  await page.goto(`${stack.url}/v/${feed.first}`)
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Full screen' }).click()
  await expect.poll(() => page.evaluate(() => document.fullscreenElement !== null)).toBe(true)
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keys' }).locator('dd').first()).toHaveText('Next video')
})

function articleOf(page: Page, id: string): Locator {
  return page.locator(`article[data-video-id="${id}"]`)
}

async function openFeed(page: Page, { url }: Stack, id: string): Promise<Locator> {
  await page.goto(url)
  const article = articleOf(page, id)
  await expect.poll(() => timeOf(article)).toBeGreaterThan(0.1)
  return article
}

function timeOf(article: Locator): Promise<number> {
  return article.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime)
}

/** Where the first row of the captions is, counted from below. */
function lineOf(article: Locator): Promise<number> {
  return article.locator('track').evaluate((element: HTMLTrackElement) => {
    const [cue] = element.track.cues ?? []
    return cue instanceof VTTCue && cue.line !== 'auto' ? cue.line : Number.NaN
  })
}

function captionsOf(article: Locator): Promise<string[]> {
  return article.locator('video').evaluate((video: HTMLVideoElement) =>
    [...video.textTracks]
      .filter(({ mode }) => mode === 'showing')
      .flatMap(({ activeCues }) => [...(activeCues ?? [])])
      .map(cue => (cue instanceof VTTCue ? cue.text : '')),
  )
}
