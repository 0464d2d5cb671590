// The playback story in the other engines, where they are installed: who watches comes with any.
import { cutClip, readyVideo } from '#test/growing.ts'
import { findFirefox } from './firefox.ts'
import type { Remote } from './remote.ts'
import { storesOf } from './stack.ts'
import { expect, test } from './test.ts'
import { findWebKit } from './webkit.ts'

const DOWN = '\uE015'
const MOST_SECONDS = 30

const browsers = [
  { name: 'Firefox', packages: 'firefox-esr', launch: findFirefox() },
  {
    name: 'WebKitGTK',
    // Of GStreamer's plugins: MP4, H.264's parser, decoders, drawing.
    packages:
      'webkit2gtk-driver xvfb gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav gstreamer1.0-gl',
    launch: findWebKit(),
  },
]

for (const { name, packages, launch } of browsers) {
  if (!launch) {
    // Once, by the process that only lists the tests.
    if (process.env.TEST_WORKER_INDEX === undefined) {
      console.log(`${name} is not installed here, and not tested (Debian: apt-get install ${packages})`)
    }
    continue
  }
  test(`${name} plays the feed, the next video by a key, a video by its address, and with sound`, async ({
    stack,
    clips,
  }) => {
    const clip = await cutClip(clips, 8)
    const older = await readyVideo(storesOf(stack), 'Second', clip)
    await readyVideo(storesOf(stack), 'First', clip)
    const browser = await launch()
    try {
      await browser.open(stack.url)
      await expectPlaying(browser, 'First')
      await browser.press(DOWN)
      await expectPlaying(browser, 'Second')
      // Firefox would take the address that follows the feed for the end of the next navigation.
      await expect.poll(() => browser.evaluate('location.pathname')).toBe(`/v/${older}`)
      await browser.open(`${stack.url}/v/${older}`)
      await expectPlaying(browser, null)
      // Last: what may start with sound, without a press on its own page, each browser decides for itself.
      expect(await ask(browser, 'video.muted')).toBe(true)
      await press(browser, 'Turn sound on')
      const sound =
        '{ chosen: localStorage.getItem("pgreel.sound"), muted: video.muted, paused: video.paused }'
      await expect.poll(() => ask(browser, sound)).toEqual({ chosen: 'on', muted: false, paused: false })
      await expectPlaying(browser, null)
    } finally {
      await browser.close()
    }
  })
}

// By where they are, not by what they are called: what lies in the middle of the window.
const isInMiddle = `(({ left, right, top, bottom }) =>
  left <= innerWidth / 2 && right > innerWidth / 2 && top <= innerHeight / 2 && bottom > innerHeight / 2)`

const inMiddle = (selector: string) =>
  `[...document.querySelectorAll('${selector}')].find(element => ${isInMiddle}(element.getBoundingClientRect()))`

/** Of the video in the middle, or of the only one of a page that has words beside it. */
function ask<Value>(browser: Remote, expression: string): Promise<Value> {
  const video = `(${inMiddle('video')} ?? document.querySelector('video:only-of-type'))`
  return browser.evaluate(`(video => video ? ${expression} : null)(${video})`)
}

/** Its time goes on, and its picture has light and dark: no frame of the clip is of one colour. */
async function expectPlaying(browser: Remote, title: string | null): Promise<void> {
  const timeout = MOST_SECONDS * 1000
  if (title) {
    const shown = () => browser.evaluate<string>(`${inMiddle('article')}?.innerText ?? ''`)
    await expect.poll(shown, { timeout, message: 'what is on screen' }).toContain(title)
  }
  await expect
    .poll(() => ask<number>(browser, 'video.error?.code ?? video.currentTime'), {
      timeout,
      message: 'begins',
    })
    .toBeGreaterThan(0)
  const from = await ask<number>(browser, 'video.currentTime')
  await expect
    .poll(() => ask<number>(browser, 'video.currentTime'), { timeout, message: 'goes on' })
    .not.toBe(from)
  const contrast = `(canvas => {
    const paper = canvas.getContext('2d')
    canvas.width = canvas.height = 16
    paper.drawImage(video, 0, 0, 16, 16)
    const { data } = paper.getImageData(0, 0, 16, 16)
    const light = Array.from({ length: 256 }, (_, index) => data[index * 4])
    return Math.max(...light) - Math.min(...light)
  })(document.createElement('canvas'))`
  await expect.poll(() => ask<number>(browser, contrast), { timeout, message: 'draws' }).toBeGreaterThan(100)
}

/** Presses the button of that name with the mouse. */
async function press(browser: Remote, label: string): Promise<void> {
  const place = `[...document.querySelectorAll('button')].filter(button =>
    (button.getAttribute('aria-label') ?? button.textContent) === ${JSON.stringify(label)}
  ).map(button => button.getBoundingClientRect()).find(({ top, width }) => width > 0 && top >= 0 && top < innerHeight)`
  const { x, y, width, height } = await browser.evaluate<DOMRect>(place)
  await browser.click(x + width / 2, y + height / 2)
}
