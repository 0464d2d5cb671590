// A phone in Chromium: a screen of 390 × 844 that is touched, on the network and processor that are
// asked for. Every visit is a first one, with nothing in its cache.
import { setTimeout as delay } from 'node:timers/promises'
import { type Browser, type CDPSession, chromium, type Page } from 'playwright'
import { ensureChromium } from '#cli/chromium.ts'
import type { BenchContext } from './context.ts'
import { KINDS } from './reels.ts'
import { type Watched, watchPage } from './watch-page.ts'

const SCREEN = { width: 390, height: 844 }
/** DevTools' "Fast 4G": 9 Mbit/s down and 1.5 up, less a tenth; a round trip of 60 ms, as it counts them. */
const FAST_4G = { downloadThroughput: (9e6 / 8) * 0.9, uploadThroughput: (1.5e6 / 8) * 0.9, latency: 165 }
const SLOWER_CPU = 4

export interface Phone {
  page: Page
  cdp: CDPSession
  report: () => Promise<Watched>
  close: () => Promise<void>
}

export async function openBrowser({ closing, say, signal }: BenchContext): Promise<Browser> {
  const executablePath = await ensureChromium(say, signal)
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--autoplay-policy=no-user-gesture-required',
    ],
  })
  closing.defer(() => browser.close())
  return browser
}

export async function openPhone(browser: Browser, { isSlow }: { isSlow: boolean }): Promise<Phone> {
  const context = await browser.newContext({
    ...{ viewport: SCREEN, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  })
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Performance.enable')
  if (isSlow) {
    await cdp.send('Network.emulateNetworkConditions', { offline: false, ...FAST_4G })
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOWER_CPU })
  }
  await page.addInitScript(watchPage, { titlePattern: 'Reel \\d\\d', kinds: KINDS })
  return {
    page,
    cdp,
    report: () => page.evaluate(() => window.pgreelWatch.report()),
    close: () => context.close(),
  }
}

/** Waits until the first video of a visit is drawn. @returns ms since navigation */
export async function firstDrawn({ page }: Phone): Promise<number> {
  const drawn = await page.waitForFunction(
    () => window.pgreelWatch.report().landings[0]?.drawnAt ?? false,
    null,
    {
      timeout: 60_000,
      polling: 200,
    },
  )
  return Number(await drawn.jsonValue())
}

const FLICK = { fromY: 620, px: 380, ms: 96, steps: 6 }

/** A finger that goes up, and so brings the next video; or down, and the one before. */
export async function flick({ cdp }: Phone, direction: 'up' | 'down' = 'up'): Promise<void> {
  const { fromY, px, ms, steps } = FLICK
  const [from, sign] = direction === 'up' ? [fromY, -1] : [fromY - px, 1]
  // Neither a page that is busy nor a late timer slows the finger.
  const start = Date.now()
  const sent: Promise<unknown>[] = []
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', step: number) => {
    const touchPoints =
      type === 'touchEnd' ? [] : [{ x: SCREEN.width / 2, y: from + (sign * px * step) / steps }]
    const timestamp = (start + (ms * step) / steps) / 1000
    sent.push(cdp.send('Input.dispatchTouchEvent', { type, touchPoints, timestamp }))
  }
  touch('touchStart', 0)
  for (let step = 1; step <= steps; step += 1) {
    await delay(Math.max(0, start + (ms * step) / steps - Date.now()))
    touch('touchMove', step)
  }
  touch('touchEnd', steps)
  await Promise.all(sent)
}

export async function tap({ cdp }: Phone): Promise<void> {
  const at = { x: SCREEN.width / 2, y: SCREEN.height / 2 }
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] })
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
}
