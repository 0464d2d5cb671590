// What a video costs: CPU time of the whole worker, from the queued row to the published video, beside
// the same ladder written by hand and beside a command for each output.
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { IS_LIVE } from '#db/boss.ts'
import { commandForMp4, commandPerOutput, oneCommand, openFfmpeg, RUNGS, SOUNDS } from './by-hand.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, medianRatio } from './figures.ts'
import { drawBars } from './plot.ts'
import { cpuSeconds, cpuSecondsOfEnded } from './process-cpu.ts'
import { getSource } from './sources.ts'
import { ssim } from './ssim.ts'
import { addVideo, type Stack, startDatabase, startWorker, waitForStatus, waitUntil } from './stack.ts'

/** CPU seconds of one round, in the order in which they are measured. */
interface Round {
  ready: number
  withExtras: number
  byHand: number
  perOutput: number
  /** of `perOutput`: the MP4, which a remux would make for next to nothing */
  mp4Again: number
}

export const bench: Bench = async context => {
  const { signal, say } = context
  const clip = await getSource(context, context.quick ? 'H.264 10 s' : 'H.264 30 s')
  const stack = await startDatabase(context)
  const worker = await startWorker(context, stack, { WORKER_CONCURRENCY: '1' })
  const handFolder = path.join(stack.dataDir, 'by-hand')
  for (const { name } of [...RUNGS, ...SOUNDS]) await mkdir(path.join(handFolder, name), { recursive: true })
  const byHand = await openFfmpeg(handFolder, signal)
  const perOutput = await openFfmpeg(path.join(stack.dataDir, 'per-output'), signal)
  const rounds: Round[] = []
  let id = ''
  for (let round = 0; round < (context.quick ? 1 : 2); round += 1) {
    say(`Round ${round + 1}: the worker`)
    const ours = await transcode(context, stack, worker.pid, clip)
    id = ours.id
    say(`Round ${round + 1}: one command, written by hand`)
    const hand = await costOf(() => oneCommand(byHand, clip))
    let each = { perOutput: Number.NaN, mp4Again: Number.NaN }
    if (round === 0) {
      // Twice as long as the others and far away from its bound: once is enough.
      say(`Round ${round + 1}: a command for each output`)
      const mp4Again = await costOf(() => commandForMp4(perOutput, clip))
      each = { perOutput: mp4Again + (await costOf(() => commandPerOutput(perOutput, clip))), mp4Again }
    }
    rounds.push({ ...ours, byHand: hand, ...each })
  }
  say('SSIM of every rung')
  const similarity = {
    ours: await ssim(clip, await publishedFolder(stack, id), RUNGS, 'index.m3u8', signal),
    byHand: await ssim(clip, handFolder, RUNGS, 'index.m3u8', signal),
  }
  if (context.plot) await draw(rounds)
  return [...report(rounds, similarity), ...(await storedPerMinute(stack, id))]
}

/** One video through the real queue. Extras are what other jobs make of it after it is ready. */
async function transcode(context: BenchContext, stack: Stack, workerPid: number, clip: string) {
  const before = cpuSeconds(workerPid)
  const id = await addVideo(stack, clip)
  await waitForStatus(context, stack, [id], "status = 'ready'")
  const ready = cpuSeconds(workerPid) - before
  await waitUntil(context, async () => {
    const { rows } = await sql`
      select from pgboss.job where ${IS_LIVE} and data ->> 'videoId' = ${id}`.execute(stack.db)
    return rows.length === 0
  })
  return { id, ready, withExtras: cpuSeconds(workerPid) - before }
}

async function costOf(work: () => Promise<void>): Promise<number> {
  const before = cpuSecondsOfEnded()
  await work()
  return cpuSecondsOfEnded() - before
}

async function publishedFolder({ db, dataDir }: Stack, id: string): Promise<string> {
  const video = await db.selectFrom('videos').select('url_hls').where('id', '=', id).executeTakeFirstOrThrow()
  return path.join(dataDir, 'storage', path.dirname(video.url_hls ?? ''))
}

/** What the storage keeps of a video, for each minute that was uploaded; first rungs go after six hours. */
async function storedPerMinute({ db }: Stack, id: string): Promise<Figure[]> {
  const { duration_ms, source_bytes } = await db
    .selectFrom('videos')
    .select(['duration_ms', 'source_bytes'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const renditions = await db
    .selectFrom('renditions')
    .innerJoin('publication_renditions', 'rendition_id', 'renditions.id')
    .innerJoin('videos', 'videos.publication_id', 'publication_renditions.publication_id')
    .select(['renditions.kind', 'renditions.height', 'renditions.bytes'])
    .where('videos.id', '=', id)
    .orderBy('bytes', 'desc')
    .execute()
  const minutes = (duration_ms ?? Number.NaN) / 60_000
  const perMinute = (what: string, bytes: number): Figure => ({
    figure: `stored per minute: ${what}`,
    value: bytes / 1e6 / minutes,
    unit: 'MB',
    bound: null,
  })
  const [images, streams] = [true, false].map(isImage =>
    renditions.filter(({ kind }) => ['poster', 'preview', 'storyboard'].includes(kind) === isImage),
  )
  const sum = (some: typeof renditions = []) => some.reduce((total, { bytes }) => total + bytes, 0)
  return [
    perMinute('the source', source_bytes),
    perMinute('all streams and the MP4', sum(streams)),
    ...(streams ?? []).map(({ kind, height, bytes }) =>
      perMinute(kind === 'video' ? `${height}p` : kind, bytes),
    ),
    {
      figure: 'stored per video: poster, preview, storyboard',
      value: sum(images) / 1e6,
      unit: 'MB',
      bound: null,
    },
  ]
}

function costs(rounds: Round[]) {
  return (side: keyof Round) => median(rounds.map(round => round[side]).filter(value => !Number.isNaN(value)))
}

async function draw(rounds: Round[]): Promise<void> {
  const of = costs(rounds)
  await drawBars({ name: 'transcode', title: 'CPU seconds for 30 seconds of 1080p30', unit: 's' }, [
    { label: 'pgreel, until ready', value: of('ready') },
    { label: 'pgreel, with extras', value: of('withExtras') },
    { label: 'one command, by hand', value: of('byHand') },
    { label: 'a command per output', value: of('perOutput') },
  ])
}

function report(
  rounds: Round[],
  similarity: { ours: Map<string, number>; byHand: Map<string, number> },
): Figure[] {
  const of = costs(rounds)
  const ratio = (a: keyof Round, b: keyof Round) =>
    medianRatio(rounds.filter(round => !Number.isNaN(round[b])).map(round => [round[a], round[b]]))
  const seconds = (figure: string, value: number): Figure => ({ figure, value, unit: 'CPU s', bound: null })
  const against = (figure: string, value: number, atMost: number): Figure => ({
    figure,
    value,
    unit: '×',
    bound: { atMost },
  })
  return [
    seconds('worker, until the video is ready', of('ready')),
    seconds('worker, with the extras that come after', of('withExtras')),
    seconds('one command by hand, and its remux', of('byHand')),
    seconds('a command for each output', of('perOutput')),
    against('worker until ready : one command', ratio('ready', 'byHand'), 1.1),
    against('worker with extras : one command', ratio('withExtras', 'byHand'), 1.1),
    against('worker until ready : a command for each output', ratio('ready', 'perOutput'), 0.65),
    against('worker with extras : a command for each output', ratio('withExtras', 'perOutput'), 0.65),
    {
      figure: 'worker with extras : the same, had it remuxed its MP4',
      value: of('withExtras') / (of('perOutput') - of('mp4Again')),
      unit: '×',
      bound: null,
    },
    ...RUNGS.flatMap(({ name, height }): Figure[] => {
      const ours = similarity.ours.get(name) ?? Number.NaN
      const difference = Math.abs(ours - (similarity.byHand.get(name) ?? Number.NaN))
      return [
        { figure: `SSIM of ${height}p`, value: ours, unit: '', bound: null },
        { figure: `SSIM of ${height}p, difference`, value: difference, unit: '', bound: { atMost: 0.002 } },
      ]
    }),
  ]
}
