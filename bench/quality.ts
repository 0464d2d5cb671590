// What the settings of each rung give for their bytes: SSIM, bytes and CPU time beside one setting for
// all rungs, which is what there was before, on a hard clip and two easier ones.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pino } from 'pino'
import { parseConfig } from '#config'
import { ladderCommand, SCRATCH_PLAYLIST } from '#worker/ffmpeg/args.ts'
import { installLauncher } from '#worker/ffmpeg/launcher.ts'
import { type Encoding, encodingOf, isLow, planLadder, type Rung } from '#worker/ffmpeg/plan.ts'
import { probe } from '#worker/ffmpeg/probe.ts'
import { runFfmpeg } from '#worker/ffmpeg/run.ts'
import { measureLadder } from '#worker/ffmpeg/verify.ts'
import { getClip, getEasyClip } from './clip.ts'
import type { Bench, BenchContext } from './context.ts'
import type { Figure } from './figures.ts'
import { cpuSecondsOfEnded } from './process-cpu.ts'
import { ssim } from './ssim.ts'

const BEFORE: Encoding = { preset: 'veryfast', crf: 23, lookahead: null }
// The low rung came with its own.
const before = (rung: Rung) => (isLow(rung) ? encodingOf(rung) : BEFORE)
const LOST_AT_MOST = -0.002
// Rate control with several threads is not quite repeatable.
const BYTES_AT_MOST = 1.005

interface Made {
  cpu: number
  rungs: Map<string, { ssim: number; bytes: number }>
}

export const bench: Bench = async context => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-quality-'))
  context.closing.defer(() => rm(folder, { recursive: true, force: true }))
  await installLauncher(path.join(folder, 'launcher'), parseConfig({}, folder))
  const clips = {
    hard: await getClip(context, { seconds: context.quick ? 5 : 30 }),
    calm: await getEasyClip(context, 'calm', context.quick ? 2 : 10),
    flat: await getEasyClip(context, 'flat', context.quick ? 2 : 10),
  }
  const figures: Figure[] = []
  for (const [kind, clip] of Object.entries(clips)) {
    context.say(`${kind}: one setting for all rungs`)
    const one = await make(context, clip, path.join(folder, kind, 'before'), before)
    context.say(`${kind}: settings for each rung`)
    const ours = await make(context, clip, path.join(folder, kind, 'now'), encodingOf)
    figures.push(...compare(kind, one, ours))
  }
  return figures
}

/** A ladder by the product's own command. */
async function make(
  { signal }: BenchContext,
  clip: string,
  scratch: string,
  encoding: (rung: Rung) => Encoding,
): Promise<Made> {
  const limits = parseConfig({}, scratch)
  const plan = planLadder(await probe(clip, signal), limits)
  for (const { name } of [...plan.rungs, ...plan.sounds]) {
    await mkdir(path.join(scratch, name), { recursive: true })
  }
  const started = cpuSecondsOfEnded()
  const log = pino({ level: 'silent' })
  await runFfmpeg(ladderCommand(clip, scratch, plan, encoding), { signal, log })
  const cpu = cpuSecondsOfEnded() - started
  const { video } = await measureLadder(scratch, { plan, pictureSeconds: null }, signal)
  const similarity = await ssim(clip, scratch, plan.rungs, SCRATCH_PLAYLIST, signal)
  const rungs = video.map(
    ({ name, bytes }) => [name, { bytes, ssim: similarity.get(name) ?? Number.NaN }] as const,
  )
  return { cpu, rungs: new Map(rungs) }
}

function compare(kind: string, one: Made, ours: Made): Figure[] {
  const rungs = [...ours.rungs].flatMap(([name, now]): Figure[] => {
    const then = one.rungs.get(name) ?? { bytes: Number.NaN, ssim: Number.NaN }
    const what = `${kind}, ${name}`
    return [
      { figure: `${what}: SSIM`, value: now.ssim, unit: '', bound: null },
      {
        figure: `${what}: SSIM, more than before`,
        value: now.ssim - then.ssim,
        unit: '',
        bound: { atLeast: LOST_AT_MOST },
      },
      { figure: `${what}: bytes`, value: now.bytes / 1e6, unit: 'MB', bound: null },
      {
        figure: `${what}: bytes, now : before`,
        value: now.bytes / then.bytes,
        unit: '×',
        bound: { atMost: BYTES_AT_MOST },
      },
    ]
  })
  return [
    ...rungs,
    { figure: `${kind}: the ladder`, value: ours.cpu, unit: 'CPU s', bound: null },
    { figure: `${kind}: the ladder, now : before`, value: ours.cpu / one.cpu, unit: '×', bound: null },
  ]
}
