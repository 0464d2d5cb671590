// Any folder of files through the real system: `pnpm bench corpus DIR [--mutants N] [--seed S]`. Each file
// has to come to a final state, and to the right one; what plays has to be right as well.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Video } from '#app/video.ts'
import { Sentence } from '#cli/say.ts'
import type { Bench } from './context.ts'
import { type Judged, judgePublished, judgeSource } from './corpus-judge.ts'
import { tryMutants } from './corpus-mutants.ts'
import { type CorpusWorld, crashes, send, settle, startCorpusWorld } from './corpus-world.ts'
import type { Figure } from './figures.ts'
import { breachesOf, sweepAtOnce } from './invariants.ts'

// The launcher's limit is 6 GiB of data; a program and its libraries come to that.
const MEMORY_MB = 6500
// What is broken may well say that it lasts an hour: one picture, again and again.
const QUICKLY = { LADDER: '240,144', WORKER_CONCURRENCY: '4', MAX_DURATION_SECONDS: '60' }

export const bench: Bench = async context => {
  const [folder] = context.args
  if (!folder) throw new Sentence('Which folder? pnpm bench corpus DIR')
  const files = await filesOf(path.resolve(process.env.INIT_CWD ?? '.', folder))
  const mutants = context.mutants ?? 0
  const world = await startCorpusWorld(context, mutants > 0 ? QUICKLY : {})
  const figures = mutants > 0 ? await tryMutants(world, files, mutants) : await tryFiles(world, files)
  // What was deleted last may be on its way out.
  await sweepAtOnce(context, world.stack)
  const wrong = await breachesOf(world.stack)
  for (const sentence of wrong) context.say(`WRONG: ${sentence}`)
  const none = (figure: string, value: number): Figure => ({ figure, value, unit: '', bound: { atMost: 0 } })
  return [
    ...figures,
    none('workers that died', world.deaths()),
    none('tries that crashed', await crashes(world.stack)),
    none('broken invariants', wrong.length),
    {
      ...{ figure: 'most memory of an FFmpeg', value: world.memory.peakBytes / 1e6 },
      ...{ unit: 'MB', bound: { atMost: MEMORY_MB } },
    },
  ]
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(cause => {
    throw new Sentence(`${folder} cannot be read.`, { cause })
  })
  const names = entries.filter(entry => entry.isFile()).map(entry => entry.name)
  return names.sort().map(name => path.join(folder, name))
}

async function tryFiles(world: CorpusWorld, files: string[]): Promise<Figure[]> {
  const { context } = world
  let [finals, rights] = [0, 0]
  context.say(row('file', 'outcome', 'first rung', 'plays', 'ready', 'what is wrong'))
  for (const file of files) {
    context.signal.throwIfAborted()
    const source = await judgeSource(file)
    const name = path.basename(file)
    // A name that is refused at the door tells nothing of the worker.
    const door = await send(world, await readFile(file), name)
    const sent = door.id ? door : await send(world, await readFile(file), `${name}.mp4`)
    const result = sent.id ? await settle(world, sent.id) : null
    const wrong = await judge(result?.video ?? null, source)
    if (result) finals += 1
    if (wrong.length === 0) rights += 1
    const outcome = result?.video.error?.code ?? result?.video.status ?? 'stuck'
    context.say(
      row(
        name,
        door.id ? outcome : `${door.status}; as .mp4: ${outcome}`,
        result?.path ?? '',
        seconds(result?.playableSeconds),
        seconds(result?.readySeconds),
        wrong.join('; ') || 'ok',
      ),
    )
  }
  return [
    { figure: 'files', value: files.length, unit: '', bound: { atLeast: 1 } },
    { figure: 'in a final state', value: (100 * finals) / files.length, unit: '%', bound: { atLeast: 100 } },
    { figure: 'and right', value: (100 * rights) / files.length, unit: '%', bound: { atLeast: 100 } },
  ]
}

const row = (...cells: string[]) => {
  const widths = [60, 34, 10, 6, 6, 0]
  return cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' ')
}
const seconds = (value: number | undefined) => (value === undefined ? '' : value.toFixed(1))

const UNREADABLE = ['not_a_video', 'damaged', 'undecodable', 'truncated', 'empty_file']
const EXPECTED: Record<Judged['kind'], string[]> = {
  video: [],
  audio: ['audio_only'],
  encrypted: ['encrypted'],
  unreadable: UNREADABLE,
}
const LIMITS = ['too_long', 'too_many_pixels', 'too_many_streams', 'too_many_frames', 'too_few_bytes']

async function judge(video: Video | null, source: Judged): Promise<string[]> {
  if (!video) return ['it came to no end']
  const code = video.error?.code ?? ''
  if (source.kind !== 'video') {
    return EXPECTED[source.kind].includes(code) ? [] : [`${video.status} ${code}, though ${source.kind}`]
  }
  if (video.status === 'ready') return judgePublished(video.hlsUrl ?? '', video.mp4Url, source)
  if (LIMITS.includes(code) || (source.claimsMore && code === 'truncated')) return []
  return [`${video.status} ${code}, though it can be decoded`]
}
