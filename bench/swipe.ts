// Whether the feed follows the finger: from the snap of a real flick to the drawn frame of the video
// it landed on, what is fetched for nothing, what stalls, and what a first visit costs.
import { setTimeout as delay } from 'node:timers/promises'
import { Sentence } from '#cli/say.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, percentile } from './figures.ts'
import { firstDrawn, flick, openBrowser, openPhone, type Phone } from './phone.ts'
import { drawShares } from './plot.ts'
import { addReels, type Reel } from './reels.ts'
import { startDatabase, startWeb } from './stack.ts'
import { measureMemory, measureVisits, raceThrough, type World } from './swipe-rest.ts'
import { countTraffic, type Traffic, unwatchedShare } from './swipe-traffic.ts'
import type { Landing, Watched } from './watch-page.ts'

const REELS = 30
/** How long each is watched, in turn: 5 s on average, of 10. */
const DWELL_SECONDS = [4, 2, 7, 3, 9, 5]
/** From touching the screen until whatever was flicked away has gone: no part of the dwell. */
const FLICK_MS = 700
const NEVER_MS = 30_000

const parts = {
  watch: watchAll,
  visits: measureVisits,
  race: raceThrough,
  memory: measureMemory,
}

/** `pnpm bench swipe`, or some of its parts only: `pnpm bench swipe visits race`. */
export const bench: Bench = async context => {
  const chosen = context.args.length > 0 ? context.args : Object.keys(parts)
  const unknown = chosen.find(name => !(name in parts))
  if (unknown) throw new Sentence(`swipe has no part ${unknown}: ${Object.keys(parts).join(', ')}.`)
  const stack = await startDatabase(context)
  const reels = await addReels(context, stack, context.quick ? 8 : REELS)
  const { url } = await startWeb(context, stack)
  const world = { context, url, reels, browser: await openBrowser(context) }
  // The server's first answers pay for its own start.
  await warmUp(world)
  const figures: Figure[] = []
  for (const [name, measure] of Object.entries(parts)) {
    if (chosen.includes(name)) figures.push(...(await measure(world)))
  }
  return figures
}

/** Every video of the feed, unthrottled and then throttled. */
async function watchAll(world: World): Promise<Figure[]> {
  const swift = await swipeThrough(world, { isSlow: false })
  const slow = await swipeThrough(world, { isSlow: true })
  if (world.context.plot) await plot(swift.landings, slow.landings)
  return [
    ...landingFigures('swipe', swift.landings, [100, 250]),
    ...landingFigures('swipe, 4G and 4 × CPU', slow.landings, [null, 400]),
    ...swift.figures,
    ...slow.figures,
  ]
}

async function warmUp({ browser, url }: World): Promise<void> {
  const phone = await openPhone(browser, { isSlow: false })
  await phone.page.goto(url)
  await firstDrawn(phone)
  await phone.close()
}

/** Opens the feed and watches every video of it. */
async function swipeThrough({ context, browser, url, reels }: World, { isSlow }: { isSlow: boolean }) {
  const name = isSlow ? '4G and 4 × CPU' : 'unthrottled'
  context.say(`${reels.length} videos, ${name}`)
  const phone = await openPhone(browser, { isSlow })
  const traffic = countTraffic(phone)
  await phone.page.goto(url)
  await firstDrawn(phone)
  const last = reels.at(-1)?.title
  for (let index = 1; ; index += 1) {
    const seconds = context.quick ? 2 : (DWELL_SECONDS[index % DWELL_SECONDS.length] ?? 0)
    await delay(seconds * 1000, undefined, { signal: context.signal })
    if ((await onScreen(phone)) === last) break
    await land(context, phone)
  }
  const watched = await phone.report()
  await phone.close()
  return { landings: watched.landings.slice(1), figures: watchingFigures(name, watched, traffic, reels) }
}

/** Flicks, and again where the video stayed, as when a finger slips. */
async function land({ signal }: BenchContext, phone: Phone): Promise<void> {
  const before = await onScreen(phone)
  for (let times = 0; times < 3; times += 1) {
    await flick(phone)
    await delay(FLICK_MS, undefined, { signal })
    if ((await onScreen(phone)) !== before) return
  }
  throw new Error(`three flicks did not move ${before}`)
}

function onScreen({ page }: Phone): Promise<string | undefined> {
  return page.evaluate(() => window.pgreelWatch.report().landings.at(-1)?.title)
}

type Bounds = [median: number | null, high: number | null]

function landingFigures(name: string, landings: Landing[], [p50, p95]: Bounds): Figure[] {
  const figure = (what: string, share: number, values: number[], bound: number | null): Figure => ({
    figure: `${name}: ${what}, p${share * 100}`,
    value: percentile(values, share),
    unit: 'ms',
    bound: bound === null ? null : { atMost: bound },
  })
  const [snapped, crossed] = [landings.map(sinceSnap), landings.map(sinceCrossing)]
  return [
    figure('snap to drawn frame', 0.5, snapped, p50),
    figure('snap to drawn frame', 0.95, snapped, p95),
    figure('half on screen to drawn frame', 0.5, crossed, null),
    figure('half on screen to drawn frame', 0.95, crossed, null),
    {
      figure: `${name}: landed and never drawn`,
      value: landings.filter(({ drawnAt }) => drawnAt === null).length,
      unit: `of ${landings.length}`,
      bound: { atMost: 0 },
    },
  ]
}

/** Drawn before it came to rest is no wait at all. */
function sinceSnap({ crossedAt, settledAt, drawnAt }: Landing): number {
  return drawnAt === null ? NEVER_MS : Math.max(0, drawnAt - (settledAt ?? crossedAt))
}

function sinceCrossing({ crossedAt, drawnAt }: Landing): number {
  return drawnAt === null ? NEVER_MS : drawnAt - crossedAt
}

function watchingFigures(
  name: string,
  { landings, shown }: Watched,
  traffic: Traffic,
  reels: Reel[],
): Figure[] {
  const { fetched, share } = unwatchedShare(traffic, reels, shown)
  const left = landings.filter(landing => landing.leftAt !== null && landing.drawnAt !== null)
  const total = left.reduce((sum, { drawnAt, leftAt }) => sum + (leftAt ?? 0) - (drawnAt ?? 0), 0)
  const stalled = left.reduce((sum, { stalledMs }) => sum + stalledMs, 0)
  const heights = shown.map(({ height }) => height)
  return [
    { figure: `${name}: bytes of segments`, value: fetched / 1e6, unit: 'MB', bound: null },
    {
      figure: `${name}: of them never watched`,
      value: share * 100,
      unit: '%',
      bound: { atMost: 25 },
    },
    {
      figure: `${name}: time stalled`,
      value: (stalled / total) * 100,
      unit: '%',
      bound: { atMost: 0.5 },
    },
    { figure: `${name}: lines of what was shown, median`, value: median(heights), unit: '', bound: null },
  ]
}

function plot(swift: Landing[], slow: Landing[]): Promise<void> {
  // By powers of ten: what was drawn before the snap is put at its left edge.
  const atLeastOne = (values: number[]) => values.map(value => Math.max(1, value))
  return drawShares({ name: 'swipe', title: 'From a flick to the drawn frame', unit: 'ms' }, [
    { label: 'from the snap', values: atLeastOne(swift.map(sinceSnap)) },
    { label: 'from half on screen', values: atLeastOne(swift.map(sinceCrossing)) },
    { label: 'snap, 4G, 4 × CPU', values: atLeastOne(slow.map(sinceSnap)) },
    { label: 'half on screen, 4G, 4 × CPU', values: atLeastOne(slow.map(sinceCrossing)) },
  ])
}
