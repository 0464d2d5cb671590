// What serving bytes from the web process costs beside nginx on the same files: segments as players
// fetch them, ranges of an MP4; and whether the web process keeps its memory.
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import path from 'node:path'
import { attemptKey } from '#media/keys.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, medianRatio } from './figures.ts'
import { startNginx } from './nginx.ts'
import { cpuSeconds, memoryOf } from './process-cpu.ts'
import { type Stack, startDatabase, startWeb } from './stack.ts'

const CONNECTIONS = 16
/** Two seconds of each rung at a usual rate. */
const SEGMENT_BYTES = [60_000, 150_000, 300_000, 600_000, 1_000_000]
const SEGMENTS = 100
const MP4_BYTES = 50_000_000
const RANGE_BYTES = 1_000_000

interface Server {
  url: string
  pid: number
}

/** One answer that is asked for. */
interface Ask {
  key: string
  range?: [start: number, end: number]
  bytes: number
}

interface Speed {
  perSecond: number
  megabytesPerSecond: number
  cpuMsEach: number
}

export const bench: Bench = async context => {
  const stack = await startDatabase(context)
  const { segments, mp4 } = await writeFiles(stack)
  const web = await startWeb(context, stack)
  const nginx = await startNginx(context, stack)
  const figures: Figure[] = []
  const askSegment = (index: number) => segments[index % segments.length] ?? mp4
  const askRange = (index: number): Ask => {
    const start = (index * 7_919_000) % (MP4_BYTES - RANGE_BYTES)
    return { key: mp4.key, range: [start, start + RANGE_BYTES - 1], bytes: RANGE_BYTES }
  }
  const count = context.quick ? 200 : 2000
  // Compiled code and buffers have their final size only after a while.
  await fetchMany(context, web, askSegment, count)
  await fetchMany(context, web, askRange, count)
  const before = memoryOf(web.pid).now
  for (const [what, ask] of [
    ['segments', askSegment],
    ['ranges of an MP4', askRange],
  ] as const) {
    figures.push(...(await compare(context, what, count, web, nginx, ask)))
  }
  const { now, peak } = memoryOf(web.pid)
  return [
    ...figures,
    { figure: 'web memory, growth over all of it', value: now - before, unit: 'MB', bound: { atMost: 50 } },
    { figure: 'web memory at its peak', value: peak, unit: 'MB', bound: null },
  ]
}

async function compare(
  context: BenchContext,
  what: string,
  count: number,
  web: Server,
  nginx: Server,
  ask: (index: number) => Ask,
): Promise<Figure[]> {
  context.say(`${count} ${what}: web, nginx, in turn`)
  const pairs: { web: Speed; nginx: Speed }[] = []
  for (let pair = 0; pair < (context.quick ? 1 : 4); pair += 1) {
    const ours = await fetchMany(context, web, ask, count)
    pairs.push({ web: ours, nginx: await fetchMany(context, nginx, ask, count) })
  }
  const row = (unit: string, field: keyof Speed): Figure[] => {
    const of = (side: 'web' | 'nginx') => median(pairs.map(pair => pair[side][field]))
    const ratio = medianRatio(pairs.map(pair => [pair.web[field], pair.nginx[field]]))
    return [
      { figure: `${what}, web, ${unit}`, value: of('web'), unit, bound: null },
      { figure: `${what}, nginx, ${unit}`, value: of('nginx'), unit, bound: null },
      { figure: `${what}, web : nginx, ${unit}`, value: ratio, unit: '×', bound: null },
    ]
  }
  return [
    ...row('requests/s', 'perSecond'),
    ...row('MB/s', 'megabytesPerSecond'),
    ...row('CPU ms each', 'cpuMsEach'),
  ]
}

/** As fast as so many connections that each wait for their answer can. The client may be the limit. */
async function fetchMany(
  { signal }: BenchContext,
  { url, pid }: Server,
  ask: (index: number) => Ask,
  count: number,
): Promise<Speed> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const cpu = cpuSeconds(pid)
  const start = performance.now()
  let [next, bytes] = [0, 0]
  const connection = async () => {
    while (next < count) {
      signal.throwIfAborted()
      const wanted = ask(next++)
      bytes += wanted.bytes
      await get(`${url}/media/${wanted.key}`, wanted, agent)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  const seconds = (performance.now() - start) / 1000
  agent.destroy()
  return {
    perSecond: count / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    cpuMsEach: ((cpuSeconds(pid) - cpu) * 1000) / count,
  }
}

function get(url: string, { range, bytes }: Ask, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = range ? { Range: `bytes=${range[0]}-${range[1]}` } : {}
    const sent = request(url, { agent, headers }, response => {
      let received = 0
      response.on('data', (chunk: Buffer) => {
        received += chunk.length
      })
      response.once('error', reject).once('end', () => {
        if (received === bytes && response.statusCode === (range ? 206 : 200)) resolve()
        else reject(new Error(`${url} answered ${response.statusCode} with ${received} bytes, not ${bytes}`))
      })
    })
    sent.once('error', reject).end()
  })
}

async function writeFiles({ dataDir }: Stack): Promise<{ segments: Ask[]; mp4: Ask }> {
  const [id, token] = [crypto.randomUUID(), crypto.randomUUID()]
  const write = async (name: string, bytes: number): Promise<Ask> => {
    const key = attemptKey(id, token, name)
    const file = path.join(dataDir, 'storage', key)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, randomBytes(bytes))
    return { key, bytes }
  }
  const segments = await Promise.all(
    Array.from({ length: SEGMENTS }, (_, index) => {
      const bytes = SEGMENT_BYTES[index % SEGMENT_BYTES.length] ?? MP4_BYTES
      return write(`v${index % SEGMENT_BYTES.length}/${String(index).padStart(5, '0')}.m4s`, bytes)
    }),
  )
  return { segments, mp4: await write('video.mp4', MP4_BYTES) }
}
