// Beside the swipes themselves: what a first visit costs, what a press costs, whether haste is heard,
// and whether anything grows.
import { setTimeout as delay } from 'node:timers/promises'
import type { Browser } from 'playwright'
import type { BenchContext } from './context.ts'
import { type Figure, median, percentile } from './figures.ts'
import { heldBytes } from './heap.ts'
import { firstDrawn, flick, openPhone, type Phone, tap } from './phone.ts'
import type { Reel } from './reels.ts'

export interface World {
  context: BenchContext
  browser: Browser
  url: string
  reels: Reel[]
}

/** First visits, with nothing cached; presses only where everything is slow. */
export async function measureVisits(world: World): Promise<Figure[]> {
  const visits = world.context.quick ? 1 : 5
  world.context.say(`${visits} first visits, unthrottled, then with 4G and 4 × CPU`)
  const [swift, slow]: Visit[][] = [[], []]
  for (let visit = 0; visit < visits; visit += 1) {
    swift?.push(await visitOnce(world, { isSlow: false }))
    slow?.push(await visitOnce(world, { isSlow: true }))
  }
  const all = { swift: swift ?? [], slow: slow ?? [] }
  const of = (kind: 'swift' | 'slow', what: keyof Visit) => all[kind].map(visit => visit[what])
  const ms = (figure: string, value: number, atMost: number | null): Figure => ({
    ...{ figure, value, unit: 'ms', bound: atMost === null ? null : { atMost } },
  })
  return [
    ms('first visit to the first drawn frame, median', median(of('swift', 'drawnMs')), 1500),
    ms('the same with 4G and 4 × CPU', median(of('slow', 'drawnMs')), null),
    ms('LCP with 4G and 4 × CPU, p75', percentile(of('slow', 'largestPaintMs'), 0.75), 1800),
    ms('INP with 4G and 4 × CPU, p75 of visits', percentile(of('slow', 'interactionMs'), 0.75), 200),
    {
      figure: 'CLS with 4G and 4 × CPU, worst',
      value: Math.max(...of('slow', 'layoutShift')),
      unit: '',
      bound: { atMost: 0.02 },
    },
    {
      figure: 'JavaScript asked for before the first paint, most',
      value: Math.max(...of('swift', 'scriptBytes'), ...of('slow', 'scriptBytes')) / 1000,
      unit: 'kB',
      bound: { atMost: 200 },
    },
  ]
}

interface Visit {
  drawnMs: number
  largestPaintMs: number
  layoutShift: number
  scriptBytes: number
  /** INP: the worst of fewer than fifty */
  interactionMs: number
}

async function visitOnce({ browser, url, context }: World, { isSlow }: { isSlow: boolean }): Promise<Visit> {
  const phone = await openPhone(browser, { isSlow })
  await phone.page.goto(url)
  const drawnMs = await firstDrawn(phone)
  // Nothing is painted larger once it was touched, so what comes late is given a second.
  await delay(1000, undefined, { signal: context.signal })
  if (isSlow) await press(phone)
  const { largestPaintMs, layoutShift, scriptBytesBeforeFirstPaint, interactionsMs } = await phone.report()
  await phone.close()
  return {
    ...{ drawnMs, largestPaintMs, layoutShift, scriptBytes: scriptBytesBeforeFirstPaint },
    interactionMs: Math.max(16, ...interactionsMs),
  }
}

/** What people do to a video, with time for each to be seen: pause, play, sound, the next ones. */
async function press(phone: Phone): Promise<void> {
  const { page } = phone
  const acts = [
    () => tap(phone),
    () => tap(phone),
    () => page.keyboard.press('m'),
    () => page.keyboard.press('ArrowDown'),
    () => tap(phone),
    () => tap(phone),
    () => page.keyboard.press('j'),
    () => page.keyboard.press('m'),
    () => page.keyboard.press('k'),
  ]
  for (const act of acts) {
    await act()
    await delay(900)
  }
}

/** Five flicks in two seconds, with sound on. */
export async function raceThrough({ browser, url, context }: World): Promise<Figure[]> {
  context.say('Five flicks in two seconds')
  const phone = await openPhone(browser, { isSlow: false })
  await phone.page.goto(url)
  await firstDrawn(phone)
  await phone.page.keyboard.press('m')
  await delay(1000)
  const isHeard = (await phone.report()).audible === 1
  for (let count = 0; count < 5; count += 1) {
    const next = delay(400)
    await flick(phone)
    await next
  }
  await delay(3000, undefined, { signal: context.signal })
  const { landings, audible } = await phone.report()
  await phone.close()
  const last = landings.at(-1)
  return [
    {
      figure: 'five flicks in 2 s: most that was heard at once',
      value: isHeard ? audible : Number.NaN,
      unit: '',
      bound: { atMost: 1 },
    },
    {
      figure: 'five flicks in 2 s: landed on video',
      value: Number(last?.title.match(/\d+/)?.[0]),
      unit: 'of 6',
      bound: { atLeast: 6 },
    },
    {
      figure: 'five flicks in 2 s: from the snap until the last one plays',
      value: (last?.movedAt ?? Number.NaN) - (last?.settledAt ?? Number.NaN),
      unit: 'ms',
      bound: { atMost: 1000 },
    },
  ]
}

/** While these go on, the engine compiles and fills its caches. */
const WARM_ROUNDS = 4

/** Down and up the whole feed, again and again: what is there when all is warm must not have grown at the end. */
export async function measureMemory({ browser, url, context, reels }: World): Promise<Figure[]> {
  const swipes = context.swipes ?? (context.quick ? 20 : 120)
  context.say(`${swipes} swipes for memory`)
  const phone = await openPhone(browser, { isSlow: false })
  await phone.page.goto(url)
  await firstDrawn(phone)
  const once = (reels.length - 1) * 2
  const swipe = async (index: number) => {
    await flick(phone, index % once < reels.length - 1 ? 'up' : 'down')
    await delay(500, undefined, { signal: context.signal })
  }
  const rounds = Math.max(2, Math.ceil(swipes / once))
  const warm = Math.min(WARM_ROUNDS, rounds - 1)
  const prints: Footprint[] = []
  for (let round = 1; round <= rounds; round += 1) {
    for (let index = 0; index < once; index += 1) await swipe(index)
    if ([1, warm, rounds].includes(round)) prints.push(await footprint(phone))
  }
  await phone.close()
  const [first, last] = [prints[0], prints.at(-1)]
  const before = prints.at(-2)
  if (!first || !before || !last) throw new Error('nothing was measured')
  const growth = (name: string, what: keyof Footprint, from: Footprint, after: number): Figure => ({
    figure: `${name} after ${rounds * once} swipes : after ${after * once}`,
    value: last[what] / from[what],
    unit: '×',
    bound: from === before ? { atMost: 1.1 } : null,
  })
  return [
    {
      figure: `JavaScript heap after ${rounds * once} swipes`,
      value: last.heap / 1e6,
      unit: 'MB',
      bound: null,
    },
    growth('JavaScript heap', 'heap', before, warm),
    growth('JavaScript objects', 'objects', before, warm),
    growth('DOM nodes', 'nodes', before, warm),
    growth('event listeners', 'listeners', before, warm),
    ...(first === before
      ? []
      : [growth('JavaScript heap', 'heap', first, 1), growth('JavaScript objects', 'objects', first, 1)]),
    { figure: 'video elements', value: last.videos, unit: '', bound: { atMost: before.videos } },
  ]
}

interface Footprint {
  /** with what the engine compiled */
  heap: number
  objects: number
  nodes: number
  listeners: number
  videos: number
}

async function footprint({ cdp, page }: Phone): Promise<Footprint> {
  await delay(2000)
  for (let count = 0; count < 3; count += 1) await cdp.send('HeapProfiler.collectGarbage')
  const { metrics } = await cdp.send('Performance.getMetrics')
  const metric = (name: string) => metrics.find(one => one.name === name)?.value ?? Number.NaN
  return {
    heap: metric('JSHeapUsedSize'),
    objects: await heldBytes(cdp),
    nodes: metric('Nodes'),
    listeners: metric('JSEventListeners'),
    videos: await page.locator('video').count(),
  }
}
