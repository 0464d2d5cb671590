// Whether the feed stays quick over 100 000 videos, and while ladders take every core: its latency
// under an open loop beside an empty route, and what Postgres reads for a page at any depth.
import { CompiledQuery, Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { type Listing, type ListPosition, listVideos, type Sort } from '#db/listing.ts'
import type { Database } from '#db/schema.ts'
import { getClip } from './clip.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, percentile } from './figures.ts'
import { fillLibrary } from './library.ts'
import { comparePercentiles, openLoop } from './open-loop.ts'
import { below, cpuSeconds } from './process-cpu.ts'
import { addVideo, type Stack, startDatabase, startWeb, startWorker, waitForStatus } from './stack.ts'

const ROWS = 100_000
const PAGE = 10
const PER_SECOND = 100
const DEPTHS = [0.01, 0.5, 0.99]
/** Each query so often; its median counts. */
const TURNS = 9
const ALL = { sort: 'new', words: null, tag: null } as const

/** Of 100 000 videos one in 50 has the tag, one in 1000 the rare word, each the common one. */
const LISTS = (['new', 'popular'] as const).flatMap((sort: Sort) => [
  { name: sort, listing: { ...ALL, sort } },
  { name: `${sort}, of a tag`, listing: { ...ALL, sort, tag: 't7' } },
  { name: `${sort}, with a rare word`, listing: { ...ALL, sort, words: 'place77' } },
  { name: `${sort}, with a common word`, listing: { ...ALL, sort, words: 'holiday' } },
])
// The cheapest route there is: a route handler of the same server that reads nothing and answers a
// fixed object of the same kind.
const EMPTY_ROUTE = { path: '/api/malformed', status: 400 }

export const bench: Bench = async context => {
  const stack = await startDatabase(context)
  const rows = context.quick ? ROWS / 20 : ROWS
  context.say(`Writing ${rows} videos`)
  await fillLibrary(stack.db, rows, context.signal)
  const positions = await Promise.all(DEPTHS.map(depth => positionAt(stack, ALL, depth)))
  const figures: Figure[] = []
  for (const { name, listing } of LISTS) {
    const places = [null, ...(await Promise.all(DEPTHS.map(depth => positionAt(stack, listing, depth))))]
    figures.push(...(await explainPages(stack, name, listing, places)))
  }
  const web = await startWeb(context, stack)
  const pages = ['/api/videos', ...positions.map(at => `/api/videos?cursor=${cursorOf(at)}`)]
  const pairs = context.quick ? 1 : 4
  const load: Load = (paths, status = 200) =>
    openLoop({
      url: index => web.url + paths[index % paths.length],
      ...{ status, perSecond: PER_SECOND, seconds: context.quick ? 2 : 10, signal: context.signal },
    })
  context.say(`${PER_SECOND} requests a second: the empty route, the feed, in turn`)
  await load(pages)
  figures.push(...(await besideEmptyRoute(web.pid, load, pages, pairs)))
  return [...figures, ...(await besideLadders(context, stack, () => load(pages), pairs))]
}

/** Asks for paths in turn. @returns latencies in ms */
type Load = (paths: string[], status?: number) => Promise<number[]>

async function besideEmptyRoute(
  webPid: number,
  load: Load,
  pages: string[],
  pairs: number,
): Promise<Figure[]> {
  const cpu = { empty: meter(webPid), feed: meter(webPid) }
  const { base, other, ratio } = await comparePercentiles({
    base: () => cpu.empty.run(() => load([EMPTY_ROUTE.path], EMPTY_ROUTE.status)),
    other: () => cpu.feed.run(() => load(pages)),
    ...{ pairs, share: 0.99 },
  })
  const [empty, feed] = [cpu.empty.msEach(), cpu.feed.msEach()]
  return [
    { figure: 'empty route, p99', value: base, unit: 'ms', bound: null },
    { figure: 'feed, p99', value: other, unit: 'ms', bound: null },
    { figure: 'feed : empty route, p99', value: ratio, unit: '×', bound: { atMost: 3 } },
    { figure: 'empty route, CPU of the web process', value: empty, unit: 'ms each', bound: null },
    { figure: 'feed, CPU of the web process', value: feed, unit: 'ms each', bound: null },
  ]
}

/** CPU time of a process per answer, over every turn of one kind. */
function meter(pid: number) {
  let [seconds, answers] = [0, 0]
  return {
    async run(load: () => Promise<number[]>): Promise<number[]> {
      const before = cpuSeconds(pid)
      const latencies = await load()
      seconds += cpuSeconds(pid) - before
      answers += latencies.length
      return latencies
    },
    msEach: () => (seconds * 1000) / answers,
  }
}

/** Idle means that the same FFmpegs are stopped for the moment: everything else is equal. */
async function besideLadders(
  context: BenchContext,
  stack: Stack,
  load: () => Promise<number[]>,
  pairs: number,
): Promise<Figure[]> {
  const worker = await startWorker(context, stack, { WORKER_CONCURRENCY: '2' })
  const clip = await getClip(context, { seconds: 30, times: 4 })
  const ids = await Promise.all([addVideo(stack, clip), addVideo(stack, clip)])
  // Their first rungs are whole.
  await waitForStatus(context, stack, ids, 'url_hls is not null')
  await waitForStatus(context, stack, ids, "status = 'processing' and progress > 0.005")
  const signalLadders = (name: 'SIGSTOP' | 'SIGCONT') => {
    const ffmpegs = below(worker.pid, 'ffmpeg')
    if (ffmpegs.length !== 2) throw new Error(`${ffmpegs.length} ladders are running, not two`)
    for (const pid of ffmpegs) process.kill(pid, name)
  }
  context.say(`${PER_SECOND} requests a second, two ladders: stopped, running, in turn`)
  const measured = await comparePercentiles({
    base: async () => {
      signalLadders('SIGSTOP')
      return load()
    },
    other: async () => {
      signalLadders('SIGCONT')
      return load()
    },
    ...{ pairs, share: 0.95 },
  })
  return [
    { figure: 'feed without ladders, p95', value: measured.base, unit: 'ms', bound: null },
    { figure: 'feed beside two ladders, p95', value: measured.other, unit: 'ms', bound: null },
    {
      figure: 'feed beside two ladders : without, p95',
      value: measured.ratio,
      unit: '×',
      bound: { atMost: 2 },
    },
  ]
}

/** The place that is so deep in a list, without paging to it. */
async function positionAt({ db }: Stack, listing: Listing, depth: number): Promise<ListPosition> {
  const { sort, words, tag } = listing
  const order = sort === 'new' ? sql`playable_at` : sql`score`
  const those = sql`
    from videos join video_counts on video_id = id
    where playable_at is not null and visibility = 'public' and deleted_at is null
      and (${words}::text is null or search @@ plainto_tsquery('simple', ${words}))
      and (${tag}::text is null or tags @> array[${tag}])`
  const { rows } = await sql<{ us: number; score: number; id: string }>`
    select (extract(epoch from playable_at) * 1000000)::bigint as us, score, id ${those}
    order by ${order} desc, id desc
    offset (select floor(count(*) * ${depth}::float8) ${those}) limit 1`.execute(db)
  const [row] = rows
  if (!row) throw new Error('a list without a video')
  if (sort === 'popular') return { sort, score: row.score, id: row.id }
  return { sort, playableAtMicroseconds: row.us, id: row.id }
}

/** As app/listing.ts makes it; another would be refused with 400. */
function cursorOf(position: ListPosition): string {
  if (position.sort !== 'new') throw new Error('only of the newest')
  return Buffer.from(`${position.playableAtMicroseconds}.${position.id}`).toString('base64url')
}

/** The product's own query, as it is sent, under EXPLAIN. */
async function explainPages(
  { databaseUrl, db }: Stack,
  name: string,
  listing: Listing,
  positions: (ListPosition | null)[],
): Promise<Figure[]> {
  let sent: CompiledQuery | null = null
  await using listening = new Kysely<Database>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: databaseUrl, max: 1 }) }),
    log: event => {
      sent = event.query
    },
  })
  const index = { new: 'videos_feed', popular: 'video_counts_popular' }[listing.sort]
  const figures: Figure[] = []
  const times: number[] = []
  for (const [place, position] of positions.entries()) {
    await listVideos(listening, listing, position, PAGE + 1, null)
    const { sql: text, parameters } = sent ?? CompiledQuery.raw('')
    const explained = CompiledQuery.raw(`explain (analyze, format json) ${text}`, [...parameters])
    const plans: Explained[] = []
    for (let turn = 0; turn < TURNS; turn += 1) {
      const { rows } = await db.executeQuery<{ 'QUERY PLAN': Explained[] }>(explained)
      plans.push(...(rows[0]?.['QUERY PLAN'] ?? []))
    }
    const ms = plans.map(plan => plan['Planning Time'] + plan['Execution Time'])
    times.push(percentile(ms, 0.5))
    const depth = place === 0 ? 'the first page' : `a page at ${(DEPTHS[place - 1] ?? 0) * 100} %`
    const [plan] = plans
    if (listing.words === null && listing.tag === null)
      figures.push({
        figure: `${name}: rows read from the index ${index} for ${depth}`,
        value: plan ? rowsRead(plan.Plan, index) : Number.NaN,
        unit: '',
        bound: { atMost: PAGE + 1 },
      })
  }
  const slowest = Math.max(...times)
  figures.push({
    figure: `${name}: query, the slowest depth`,
    value: slowest,
    unit: 'ms',
    bound: { atMost: 5 },
  })
  return figures
}

interface Explained {
  Plan: PlanNode
  'Planning Time': number
  'Execution Time': number
}

interface PlanNode {
  'Node Type': string
  'Index Name'?: string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: PlanNode[]
}

/** Rows of the index's table that were looked at; not a number when they came another way than in its order. */
function rowsRead(plan: PlanNode, index: string): number {
  const nodes = [plan]
  for (const node of nodes) nodes.push(...(node.Plans ?? []))
  const reads = nodes.filter(node => node['Index Name'] === index)
  const sorts = nodes.some(
    node => node['Node Type'].includes('Sort') && reads.some(read => isBelow(node, read)),
  )
  if (reads.length === 0 || sorts || !reads.every(node => node['Node Type'].startsWith('Index ')))
    return Number.NaN
  return reads.reduce(
    (sum, node) =>
      sum +
      node['Actual Loops'] *
        (node['Actual Rows'] +
          (node['Rows Removed by Filter'] ?? 0) +
          (node['Rows Removed by Index Recheck'] ?? 0)),
    0,
  )
}

function isBelow(node: PlanNode, wanted: PlanNode): boolean {
  return node === wanted || (node.Plans ?? []).some(plan => isBelow(plan, wanted))
}
