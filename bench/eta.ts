// Whether the seconds that a waiting video is told are true: videos of many lengths and sizes go
// through two slots, and each second each of them is asked when it will be ready.
import { setTimeout as delay } from 'node:timers/promises'
import { readQueue, secondsUntilReady } from '#db/eta.ts'
import { getClip, makeFile } from './clip.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, percentile } from './figures.ts'
import { addVideo, type Stack, startDatabase, startWorker, waitForStatus } from './stack.ts'

const ASK_EVERY_MS = 1000
const HEIGHTS = [240, 360, 480, 720]
const LENGTHS = [2, 4, 7, 11, 3, 8]

interface Prediction {
  id: string
  at: number
  seconds: number | null
}

export const bench: Bench = async context => {
  const files = await makeFiles(context)
  const stack = await startDatabase(context)
  await startWorker(context, stack, { WORKER_CONCURRENCY: '2' })
  context.say('Twenty videos, so that there is something to go by')
  await addAll(context, stack, files.slice(0, context.quick ? 4 : 20))
  context.say(`${files.length} videos that are asked`)
  const predictions: Prediction[] = []
  await addAll(context, stack, files, async ids => {
    const queue = await readQueue(stack.db)
    for (const id of ids) {
      const seconds = secondsUntilReady(queue, id)
      predictions.push({ id, at: Date.now(), seconds })
    }
  })
  return figuresOf(predictions, await readyTimes(stack))
}

/** 24 of them: each length at each height, in an order that mixes them. */
async function makeFiles(context: BenchContext): Promise<string[]> {
  const clip = await getClip(context, { seconds: 30 })
  const all = LENGTHS.flatMap((seconds, index) =>
    HEIGHTS.map((_, turn) => ({ seconds, height: HEIGHTS[(index + turn) % HEIGHTS.length] ?? 240 })),
  )
  const files: string[] = []
  for (let index = 0; index < (context.quick ? 6 : all.length); index += 1) {
    const { seconds, height } = all[(index * 7) % all.length] ?? { seconds: 2, height: 240 }
    const args = ['-i', clip, '-t', String(seconds), '-vf', `scale=-2:${height}`]
    files.push(await makeFile(context, `eta-${height}-${seconds}`, [...args, '-preset', 'veryfast']))
  }
  return files
}

/** Queues all of them at once, and asks until the last is ready. */
async function addAll(
  context: BenchContext,
  stack: Stack,
  files: string[],
  ask: (ids: string[]) => Promise<void> = async () => {},
): Promise<void> {
  const ids: string[] = []
  for (const file of files) ids.push(await addVideo(stack, file))
  const stop = new AbortController()
  const asking = (async () => {
    while (!stop.signal.aborted) {
      await ask(ids)
      await delay(ASK_EVERY_MS, undefined, { signal: stop.signal }).catch(() => {}) // all are ready
    }
  })()
  await waitForStatus(context, stack, ids, `status = 'ready'`).finally(() => stop.abort())
  await asking
}

async function readyTimes({ db }: Stack): Promise<Map<string, number>> {
  const rows = await db.selectFrom('videos').select(['id', 'ready_at']).execute()
  return new Map(rows.map(row => [row.id, row.ready_at?.getTime() ?? Number.NaN]))
}

function figuresOf(predictions: Prediction[], readyAt: Map<string, number>): Figure[] {
  const unfinished = predictions
    .map(({ id, at, seconds }) => ({ seconds, left: ((readyAt.get(id) ?? Number.NaN) - at) / 1000 }))
    .filter(({ left }) => left > 0)
  const told = unfinished.filter(({ seconds }) => seconds !== null)
  const errors = told.map(({ seconds, left }) => (100 * Math.abs((seconds ?? 0) - left)) / left)
  return [
    { figure: 'error, median', value: median(errors), unit: '%', bound: { atMost: 25 } },
    { figure: 'error, p90', value: percentile(errors, 0.9), unit: '%', bound: null },
    {
      figure: 'asked and told nothing',
      value: unfinished.length - told.length,
      unit: 'times',
      bound: { atMost: 0 },
    },
    { figure: 'asked', value: unfinished.length, unit: 'times', bound: null },
    {
      figure: 'time left when asked, median',
      value: median(unfinished.map(({ left }) => left)),
      unit: 's',
      bound: null,
    },
  ]
}
