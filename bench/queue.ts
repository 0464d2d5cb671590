// How long a video waits for an idle worker, and whether a backlog keeps every slot busy: pgreel's
// queue as production has it, beside graphile-worker and plain polling, on one Postgres.
import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, percentile } from './figures.ts'
import { drawShares } from './plot.ts'
import { type Handle, openGraphile, openPgreel, openPolling, type Queue, SLOTS } from './queues.ts'
import { startDatabase } from './stack.ts'

const BACKLOG = 50

interface Contender extends Queue {
  name: string
  /** the most that a pause before a send takes: as long as its polls are apart, so that none is favoured */
  pauseMs: number
  latencies: number[]
}

/** What handlers of all queues do: tell when they began, then work as long as they are told. */
interface Floor {
  handle: Handle
  /** the moment when the job's handler began */
  begun: (id: string) => Promise<number>
  work: { beganAt: number; endedAt: number }[]
  workMs: (index: number) => number
}

export const bench: Bench = async context => {
  const stack = await startDatabase(context)
  const floor = makeFloor()
  const open = [
    { name: 'pgreel (pg-boss)', pauseMs: 100, queue: await openPgreel(context, stack, floor.handle) },
    { name: 'graphile-worker', pauseMs: 100, queue: await openGraphile(context, stack, floor.handle) },
    {
      name: 'polling each 100 ms',
      pauseMs: 100,
      queue: await openPolling(context, stack, floor.handle, 100),
    },
    {
      name: 'polling each 500 ms',
      pauseMs: 500,
      queue: await openPolling(context, stack, floor.handle, 500),
    },
  ]
  const contenders: Contender[] = open.map(({ queue, ...rest }) => ({ ...rest, ...queue, latencies: [] }))
  await measureLatencies(context, contenders, floor)
  const figures = contenders.flatMap(contender => latencyFigures(contender))
  for (const contender of contenders) figures.push(...(await measureBacklog(context, contender, floor)))
  if (context.plot) {
    const series = contenders.map(({ name, latencies }) => ({ label: name, values: latencies }))
    const title = 'Jobs whose handler had begun, by time since the commit'
    await drawShares({ name: 'queue', title, unit: 'ms' }, series)
  }
  return figures
}

async function measureLatencies(context: BenchContext, contenders: Contender[], floor: Floor): Promise<void> {
  const rounds = context.quick ? 10 : 200
  // The first job of each pays for connections and plans.
  for (let round = -1; round < rounds; round += 1) {
    if (round % 50 === 0) context.say(`One job at a time: round ${round} of ${rounds}`)
    for (const { send, latencies, pauseMs } of contenders) {
      await delay(Math.random() * pauseMs, undefined, { signal: context.signal })
      const id = crypto.randomUUID()
      const begun = floor.begun(id)
      const committedAt = await send(id)
      const latency = (await begun) - committedAt
      if (round >= 0) latencies.push(latency)
    }
  }
}

function latencyFigures({ name, latencies }: Contender): Figure[] {
  const isOurs = name.startsWith('pgreel')
  const at = (share: number, bound: number): Figure => ({
    figure: `${name}: commit to handler, p${share * 100}`,
    value: percentile(latencies, share),
    unit: 'ms',
    bound: isOurs ? { atMost: bound } : null,
  })
  return [at(0.5, 10), at(0.95, 20)]
}

async function measureBacklog(
  context: BenchContext,
  { name, send }: Contender,
  floor: Floor,
): Promise<Figure[]> {
  context.say(`A backlog of ${BACKLOG}: ${name}`)
  floor.work.length = 0
  floor.workMs = index => 50 + ((index * 137) % 550)
  const ids = Array.from({ length: context.quick ? 10 : BACKLOG }, () => crypto.randomUUID())
  const begun = Promise.all(ids.map(id => floor.begun(id)))
  const committedAt = await send(ids[0] ?? '')
  for (const id of ids.slice(1)) await send(id)
  await begun
  floor.workMs = () => 0
  const idle = idleTimes(floor.work, committedAt)
  return [
    {
      figure: `${name}: longest that a slot was idle beside a backlog`,
      value: Math.max(...idle),
      unit: 'ms',
      bound: name.startsWith('pgreel') ? { atMost: 1000 } : null,
    },
    { figure: `${name}: a slot idle between two jobs, median`, value: median(idle), unit: 'ms', bound: null },
  ]
}

/** Before each job: how long the slot that had waited longest was free. */
function idleTimes(work: Floor['work'], from: number): number[] {
  const freeSince = Array.from({ length: SLOTS }, () => from)
  return work
    .toSorted((a, b) => a.beganAt - b.beganAt)
    .map(({ beganAt, endedAt }) => {
      freeSince.sort((a, b) => a - b)
      const idle = beganAt - (freeSince.shift() ?? from)
      freeSince.push(endedAt)
      return idle
    })
}

function makeFloor(): Floor {
  const waiting = new Map<string, (at: number) => void>()
  const floor: Floor = {
    work: [],
    workMs: () => 0,
    begun: id => new Promise(resolve => waiting.set(id, resolve)),
    async handle(id) {
      const beganAt = performance.now()
      const entry = { beganAt, endedAt: Number.POSITIVE_INFINITY }
      const ms = floor.workMs(floor.work.push(entry))
      waiting.get(id)?.(beganAt)
      waiting.delete(id)
      if (ms > 0) await delay(ms)
      entry.endedAt = performance.now()
    },
  }
  return floor
}
