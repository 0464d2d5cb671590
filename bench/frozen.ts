// Workers that die and workers that sleep: how long until a dead one's job runs again, and whether one that
// was frozen beyond its heartbeat, and wakes when another has its job, writes anything.
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { makeClip } from '#test/clips.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, percentile } from './figures.ts'
import { breachesOf, doubles, sweepAtOnce } from './invariants.ts'
import { addVideo, type Stack, startDatabase, startWorker, waitUntil } from './stack.ts'

const ROUNDS = 10
const UNFENCED = pathToFileURL(path.join(import.meta.dirname, 'unfenced.ts')).href
// Of the heartbeat, ten seconds, and what finds that it is missing.
const TAKEN_WITHIN_MS = 30_000

export const bench: Bench = async context => {
  const stack = { ...(await startDatabase(context)), isQuiet: true }
  // As long as its ladder takes, somewhere in it a worker can be hit.
  const clip = await makeClip(stack.dataDir, 'clip.mp4', { width: 640, height: 480, seconds: 15 })
  const rounds = context.quick ? 1 : ROUNDS
  const waits: number[] = []
  for (let round = 0; round < Math.ceil(rounds / 3); round++) {
    waits.push(...(await killRound(context, stack, clip)))
    context.say(
      `Killed: running again after ${waits
        .slice(-atOnce(context))
        .map(wait => wait.toFixed(1))
        .join(' ')} s`,
    )
  }
  let frozen = 0
  for (let round = 0; round < rounds; round++) {
    frozen += await freezeRound(context, stack, clip)
    context.say(`Frozen beyond their heartbeat and woken: ${frozen}`)
  }
  const wrong = await wrongsOf(context, stack)
  for (const sentence of wrong) context.say(`WRONG: ${sentence}`)
  return figuresOf(context, waits, frozen, wrong)
}

function figuresOf({ quick }: BenchContext, waits: number[], frozen: number, wrong: string[]): Figure[] {
  const p95 = percentile(waits, 0.95)
  return [
    { figure: 'dead worker’s job running again, p50', value: percentile(waits, 0.5), unit: 's', bound: null },
    { figure: 'dead worker’s job running again, p95', value: p95, unit: 's', bound: { atMost: 13 } },
    { figure: 'frozen workers that woke', value: frozen, unit: '', bound: { atLeast: quick ? 1 : 100 } },
    { figure: 'wrong writes', value: wrong.length, unit: '', bound: { atMost: 0 } },
  ]
}

function atOnce({ quick }: BenchContext): number {
  return quick ? 4 : 10
}

function settings({ unfenced }: BenchContext, slots: number): Record<string, string> {
  const own = { LADDER: '240,144', WORKER_CONCURRENCY: String(slots) }
  return unfenced ? { ...own, NODE_OPTIONS: `--import=${UNFENCED}` } : own
}

/** Ten workers, each with a video, die at once; one that is there takes over. @returns seconds for each */
async function killRound(context: BenchContext, stack: Stack, clip: string): Promise<number[]> {
  const { victims, tokens } = await atWork(context, stack, clip)
  const successor = await startWorker(context, stack, settings(context, atOnce(context)))
  const [died] = (await sql<{ at: Date }>`select clock_timestamp() as at`.execute(stack.db)).rows
  for (const { pid } of victims) process.kill(pid, 'SIGKILL')
  await waitUntil(context, async () => (await successorsOf(stack, tokens)).length === tokens.length)
  const waits = (await successorsOf(stack, tokens)).map(
    ({ startedAt }) => (startedAt.getTime() - (died?.at.getTime() ?? 0)) / 1000,
  )
  await settle(context, stack)
  await successor.stop()
  return waits
}

/** Ten workers are frozen in the middle of a video each, lose it to another, and wake. @returns how many did */
async function freezeRound(context: BenchContext, stack: Stack, clip: string): Promise<number> {
  const { victims, tokens } = await atWork(context, stack, clip)
  for (const [index, { pid }] of victims.entries()) {
    // Each at another moment of its work.
    await delay(150 * index)
    process.kill(pid, 'SIGSTOP')
  }
  const successor = await startWorker(context, stack, settings(context, atOnce(context)))
  const deadline = performance.now() + TAKEN_WITHIN_MS
  await waitUntil(context, async () => {
    const taken = await successorsOf(stack, tokens)
    return taken.length === tokens.length || performance.now() > deadline
  })
  const taken = (await successorsOf(stack, tokens)).length
  for (const { pid } of victims) process.kill(pid, 'SIGCONT')
  await settle(context, stack)
  await Promise.all([...victims, successor].map(child => child.stop()))
  return taken
}

/** @returns ten workers, and the tokens of the ladders that each is in the middle of */
async function atWork(context: BenchContext, stack: Stack, clip: string) {
  const victims = await Promise.all(
    Array.from({ length: atOnce(context) }, () => startWorker(context, stack, settings(context, 1))),
  )
  for (let video = 0; video < atOnce(context); video++) await addVideo(stack, clip, 'ladder')
  const running = () =>
    stack.db
      .selectFrom('attempts')
      .innerJoin('videos', 'videos.id', 'video_id')
      .select('token')
      .where('outcome', '=', 'running')
      .where('kind', '=', 'ladder')
      .where('stage', '=', 'encoding')
      .execute()
  await waitUntil(context, async () => (await running()).length === atOnce(context))
  return { victims, tokens: (await running()).map(({ token }) => token) }
}

/** The next attempts at what these were attempts at. */
async function successorsOf({ db }: Stack, tokens: string[]): Promise<{ startedAt: Date }[]> {
  const { rows } = await sql<{ startedAt: Date }>`
    select distinct on (lost.token) next.started_at as "startedAt"
    from attempts lost
    join attempts next on next.video_id = lost.video_id and next.kind = lost.kind
      and next.started_at > lost.started_at
    where lost.token = any(${tokens}::uuid[]) and lost.outcome <> 'won'
    order by lost.token, next.started_at`.execute(db)
  return rows
}

async function settle(context: BenchContext, { db }: Stack): Promise<void> {
  await waitUntil(context, async () => {
    const { rows } = await sql<{ over: boolean }>`
      select not exists (select from videos where status <> 'ready')
        and not exists (select from pgboss.job
          where name in ('first', 'ladder', 'extra', 'poster') and state in ('created', 'retry', 'active')) as over`.execute(
      db,
    )
    return rows[0]?.over ?? false
  })
}

async function wrongsOf(context: BenchContext, stack: Stack): Promise<string[]> {
  const sweeper = await startWorker(context, stack, settings(context, 1))
  await sweepAtOnce(context, stack)
  await sweeper.stop()
  return [...(await breachesOf(stack)), ...(await doubles(stack))]
}
