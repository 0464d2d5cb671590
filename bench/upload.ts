// What carrying uploads through Next.js costs beside the bare tus server, in speed and memory, and
// whether fifty slow uploads leave the feed quick.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, medianRatio } from './figures.ts'
import { fillLibrary } from './library.ts'
import { comparePercentiles, openLoop } from './open-loop.ts'
import { cpuSeconds, memoryOf } from './process-cpu.ts'
import { type Stack, startDatabase, startWeb } from './stack.ts'
import { upload } from './tus-client.ts'

const GIGABYTE = 1e9
const LINES = 50
const BYTES_PER_SECOND = 1e6

interface Server {
  endpoint: string
  pid: number
  /** where it puts the bytes */
  folder: string
}

interface Cost {
  megabytesPerSecond: number
  cpuSeconds: number
}

export const bench: Bench = async context => {
  const stack = await startDatabase(context)
  await fillLibrary(stack.db, 2000, context.signal)
  const started = await startWeb(context, stack)
  const folder = path.join(stack.dataDir, 'storage/sources')
  const web = { endpoint: `${started.url}/api/uploads`, pid: started.pid, folder }
  const figures = await compareSpeed(context, web, await startBare(context, stack))
  figures.push({
    figure: 'web memory at its peak, large uploads',
    value: memoryOf(web.pid).peak,
    unit: 'MB',
    bound: { atMost: 300 },
  })
  figures.push(...(await besideSlowUploads(context, web, started.url)))
  figures.push({
    figure: 'web memory at its peak, all',
    value: memoryOf(web.pid).peak,
    unit: 'MB',
    bound: null,
  })
  return figures
}

async function compareSpeed(context: BenchContext, web: Server, bare: Server): Promise<Figure[]> {
  const pairs: { ours: Cost; bare: Cost }[] = []
  const bytes = context.quick ? GIGABYTE / 10 : GIGABYTE
  for (let pair = 0; pair <= (context.quick ? 1 : 5); pair += 1) {
    const costs = { ours: await costOf(context, web, bytes), bare: await costOf(context, bare, bytes) }
    context.say(
      `1 GB: ${costs.ours.megabytesPerSecond.toFixed(0)} and, bare, ${costs.bare.megabytesPerSecond.toFixed(0)} MB/s`,
    )
    // The first warms up compiler, database and disk.
    if (pair > 0) pairs.push(costs)
  }
  const of = (side: 'ours' | 'bare', what: keyof Cost) => median(pairs.map(pair => pair[side][what]))
  const ratio = (what: keyof Cost) => medianRatio(pairs.map(({ ours, bare }) => [ours[what], bare[what]]))
  return [
    {
      figure: '1 GB through the web process',
      value: of('ours', 'megabytesPerSecond'),
      unit: 'MB/s',
      bound: null,
    },
    {
      figure: '1 GB through bare @tus/server',
      value: of('bare', 'megabytesPerSecond'),
      unit: 'MB/s',
      bound: null,
    },
    { figure: 'web : bare, speed', value: ratio('megabytesPerSecond'), unit: '×', bound: { atLeast: 0.6 } },
    { figure: 'CPU for 1 GB, web', value: of('ours', 'cpuSeconds'), unit: 'CPU s', bound: null },
    { figure: 'CPU for 1 GB, bare', value: of('bare', 'cpuSeconds'), unit: 'CPU s', bound: null },
    { figure: 'web : bare, CPU', value: ratio('cpuSeconds'), unit: '×', bound: null },
  ]
}

async function costOf(
  { signal }: BenchContext,
  { endpoint, pid, folder }: Server,
  bytes: number,
): Promise<Cost> {
  const cpu = cpuSeconds(pid)
  const start = performance.now()
  const id = await upload({ endpoint, bytes, signal })
  const seconds = (performance.now() - start) / 1000
  const cost = { megabytesPerSecond: bytes / 1e6 / seconds, cpuSeconds: cpuSeconds(pid) - cpu }
  const { size } = await stat(path.join(folder, id))
  if (size !== bytes) throw new Error(`${size} of ${bytes} bytes arrived`)
  // What the disk has still to write of this one must not slow the next.
  await rm(path.join(folder, id))
  return cost
}

async function besideSlowUploads(context: BenchContext, web: Server, url: string): Promise<Figure[]> {
  const { closing, signal, quick } = context
  const script = path.join(import.meta.dirname, 'slow-uploads.ts')
  const people = fork(script, [web.endpoint, String(LINES), String(BYTES_PER_SECOND)])
  closing.defer(() => void people.kill('SIGKILL'))
  const load = (seconds: number) =>
    openLoop({ url: () => `${url}/api/videos`, status: 200, perSecond: 50, seconds, signal })
  const seconds = quick ? 2 : 10
  await load(2)
  let arrivedBytes = 0
  let busySeconds = 0
  context.say(`The feed beside ${LINES} uploads: paused, sending, in turn`)
  const measured = await comparePercentiles({
    base: async () => {
      people.send('pause')
      await load(1) // what was under way arrives
      return load(seconds)
    },
    other: async () => {
      people.send('go on')
      await load(1)
      const [before, start] = [await bytesIn(web.folder), performance.now()]
      const latencies = await load(seconds)
      busySeconds += (performance.now() - start) / 1000
      arrivedBytes += (await bytesIn(web.folder)) - before
      return latencies
    },
    ...{ pairs: quick ? 1 : 5, share: 0.95 },
  })
  if (people.exitCode !== null) throw new Error('the slow uploads ended by themselves')
  return [
    {
      figure: `what ${LINES} slow uploads sent`,
      value: arrivedBytes / 1e6 / busySeconds,
      unit: 'MB/s',
      bound: null,
    },
    { figure: 'feed without uploads, p95', value: measured.base, unit: 'ms', bound: null },
    { figure: `feed beside ${LINES} uploads, p95`, value: measured.other, unit: 'ms', bound: null },
    {
      figure: `feed beside ${LINES} uploads : without, p95`,
      value: measured.ratio,
      unit: '×',
      bound: { atMost: 2 },
    },
  ]
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder)).map(async name => (await stat(path.join(folder, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function startBare({ closing }: BenchContext, { dataDir }: Stack): Promise<Server> {
  const folder = path.join(dataDir, 'bare')
  await mkdir(folder)
  const child = fork(path.join(import.meta.dirname, 'bare-tus.ts'), [folder])
  closing.defer(() => void child.kill('SIGKILL'))
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { endpoint: url, pid: child.pid ?? 0, folder }
}
