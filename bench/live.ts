// How soon a committed change is in the browser, beside a hundred open event streams: the way of every
// status, from NOTIFY over the one listening connection to each stream that follows the video.
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Page } from 'playwright'
import type { Db } from '#db/client.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, percentile } from './figures.ts'
import { openBrowser } from './phone.ts'
import { drawShares } from './plot.ts'
import { startDatabase, startWeb, waitUntil } from './stack.ts'

const STREAMS = 100
/** As many are worked on at once, and each tells its progress once a second. */
const VIDEOS = 10
/** Each stream follows half of them. */
const FOLLOWED = VIDEOS / 2

declare global {
  interface Window {
    pgreelHeard: [title: string, at: number][]
  }
}

export const bench: Bench = async context => {
  const stack = await startDatabase(context)
  const { url } = await startWeb(context, stack)
  const ids = await addProcessing(stack.db)
  /** when each change was about to be committed */
  const commits: number[] = []
  const heard: number[] = []
  context.say(`Opening ${STREAMS} streams, and one in Chromium`)
  for (let stream = 0; stream < STREAMS; stream += 1) {
    await openStream(context, eventsUrl(url, ids, stream), ear(commits, heard))
  }
  const page = await (await openBrowser(context)).newPage()
  await page.goto(`${url}/upload`)
  await listenIn(page, eventsUrl(url, ids, 0))

  const seconds = context.quick ? 3 : 60
  context.say(`${VIDEOS} changes a second for ${seconds} s`)
  for (let index = 0; index < VIDEOS * seconds; index += 1) {
    const next = delay((1000 / VIDEOS) * (0.5 + Math.random()), undefined, { signal: context.signal })
    await change(stack.db, ids[index % VIDEOS] ?? '', index, commits)
    await next
  }
  await waitUntil(context, async () => heard.length >= commits.length * FOLLOWED * (STREAMS / VIDEOS))
  const inChromium: number[] = []
  const hear = ear(commits, inChromium)
  for (const [title, at] of await page.evaluate(() => window.pgreelHeard)) hear(title, at)
  if (context.plot) await plot(heard, inChromium)
  return [
    ...latencies(`commit to one of ${STREAMS} streams`, heard),
    ...latencies('commit to Chromium’s EventSource beside them', inChromium),
    { figure: 'messages', value: heard.length + inChromium.length, unit: '', bound: null },
  ]
}

/**
 * Of one stream: notes how long each change took until it, or a newer one of the same video, was heard.
 */
function ear(commits: number[], latencies: number[]): (title: string, at: number) => void {
  const heard = new Map<number, number>()
  return (title, at) => {
    const index = Number(title.match(/^Change (\d+)$/)?.[1])
    if (Number.isNaN(index)) return // as it was before
    const video = index % VIDEOS
    for (let change = (heard.get(video) ?? video - VIDEOS) + VIDEOS; change <= index; change += VIDEOS) {
      latencies.push(at - (commits[change] ?? Number.NaN))
      heard.set(video, change)
    }
  }
}

function latencies(name: string, values: number[]): Figure[] {
  return [0.5, 0.95, 0.99].map(share => ({
    figure: `${name}, p${share * 100}`,
    value: percentile(values, share),
    unit: 'ms',
    bound: share === 0.99 ? { atMost: 100 } : null,
  }))
}

function plot(heard: number[], inChromium: number[]): Promise<void> {
  const atLeastOne = (values: number[]) => values.map(value => Math.max(1, value))
  return drawShares({ name: 'live', title: 'From a commit to the browser', unit: 'ms' }, [
    { label: `${STREAMS} streams`, values: atLeastOne(heard) },
    { label: 'Chromium', values: atLeastOne(inChromium) },
  ])
}

/** Videos that a worker would be busy with. */
async function addProcessing(db: Db): Promise<string[]> {
  const ids = Array.from({ length: VIDEOS }, () => crypto.randomUUID())
  await sql`
    insert into videos (id, title, source_key, source_bytes)
    select id, 'A video', 'sources/' || id, 1 from unnest(${ids}::uuid[]) id`.execute(db)
  for (const [status, stage] of [
    ['queued', 'queued'],
    ['processing', 'encoding'],
  ]) {
    await sql`update videos set status = ${status}, stage = ${stage}`.execute(db)
  }
  return ids
}

function eventsUrl(url: string, ids: string[], stream: number): string {
  const followed = Array.from({ length: FOLLOWED }, (_, index) => ids[(stream + index) % VIDEOS])
  return `${url}/api/events?videos=${followed.join(',')}`
}

/** Notes the moment before the commit is sent, by the clock that browsers have too. */
async function change(db: Db, id: string, index: number, commits: number[]): Promise<void> {
  const [title, progress] = [`Change ${index}`, index / 1e5]
  await db.transaction().execute(async trx => {
    await sql`update videos set title = ${title}, progress = ${progress} where id = ${id}`.execute(trx)
    commits[index] = Date.now()
  })
}

async function openStream(
  { closing, signal }: BenchContext,
  url: string,
  hear: (title: string, at: number) => void,
): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = get(url, { agent: false, signal }, resolve).once('error', reject)
    closing.defer(() => void sent.destroy())
  })
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`)
  let unread = ''
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    const messages = (unread + chunk).split('\n\n')
    unread = messages.pop() ?? ''
    for (const message of messages) {
      const [, data] = message.match(/^event: video\n(?:id: .*\n)?data: (.*)$/) ?? []
      if (data) hear((JSON.parse(data) as { title: string }).title, Date.now())
    }
  })
  answer.on('error', () => {}) // cut off at the end of the bench
}

function listenIn(page: Page, url: string): Promise<void> {
  return page.evaluate(async address => {
    window.pgreelHeard = []
    const source = new EventSource(address)
    source.addEventListener('video', event => {
      window.pgreelHeard.push([JSON.parse(event.data).title, Date.now()])
    })
    await new Promise((resolve, reject) => {
      source.onopen = resolve
      source.onerror = reject
    })
  }, url)
}
