// Plan → segments in scratch: all streams of one decode, or, once FFmpeg has died of that, each by
// itself, so that what kills it costs none of the others.
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { report } from '#db/progress.ts'
import { boundSeconds } from '#db/work.ts'
import type { AttemptContext } from './attempt.ts'
import { OurError } from './errors.ts'
import { ladderCommand } from './ffmpeg/args.ts'
import { COLOUR_TABLE, writeColourTable } from './ffmpeg/colour-table.ts'
import { type Plan, pixelsOf, planWithout } from './ffmpeg/plan.ts'
import { countPictures, FfmpegDied, runFfmpeg } from './ffmpeg/run.ts'

export interface Encoded {
  /** of what is there */
  plan: Plan
  leftOut: LeftOut[]
  /** how much picture FFmpeg says that it encoded; null when it said nothing */
  pictureSeconds: number | null
}

/** A stream that FFmpeg died of. */
export interface LeftOut {
  kind: 'video' | 'audio'
  name: string
  /** of a picture */
  width: number | null
  height: number | null
  code: string
}

export async function encodeTogether(context: AttemptContext, source: string, plan: Plan): Promise<Encoded> {
  const pictureSeconds = await run(context, source, plan, share => tell(context, 'encoding', share))
  return { plan, leftOut: [], pictureSeconds }
}

/** @throws OurError when FFmpeg dies of every rung */
export async function encodeAlone(context: AttemptContext, source: string, plan: Plan): Promise<Encoded> {
  const parts = [
    ...plan.rungs.map(rung => ({ ...plan, rungs: [rung], sounds: [] })),
    ...plan.sounds.map(sound => ({ ...plan, rungs: [], sounds: [sound] })),
  ]
  const leftOut: LeftOut[] = []
  let last: unknown
  let pictureSeconds: number | null = null
  // Together within the time that the job has, each by what it takes.
  const ends = performance.now() + boundSeconds(plan.work) * 1000
  for (const [index, part] of parts.entries()) {
    const left = sum(parts.slice(index).map(each => costOf(each, plan)))
    const withinSeconds = ((ends - performance.now()) / 1000) * (costOf(part, plan) / left)
    try {
      const reportPart = (share: number) => tell(context, 'encoding', (index + share) / parts.length)
      pictureSeconds = (await run(context, source, part, reportPart, withinSeconds)) ?? pictureSeconds
    } catch (error) {
      if (!(error instanceof FfmpegDied)) throw error
      last = error
      leftOut.push(describe(part, error.code))
      context.log.warn({ err: error, stream: leftOut.at(-1)?.name }, 'stream left out: FFmpeg dies of it')
      await rm(path.join(context.scratch, leftOut.at(-1)?.name ?? ''), { recursive: true })
    }
  }
  const names = leftOut.map(({ name }) => name)
  if (plan.rungs.every(({ name }) => names.includes(name))) {
    throw new OurError('ffmpeg_dies', 'FFmpeg dies of every quality of this video.', { cause: last })
  }
  return { plan: planWithout(plan, names), leftOut, pictureSeconds }
}

/** Of one part, in pixels of a picture: its own, and the source's, which is decoded each time. */
function costOf(part: Plan, whole: Plan): number {
  return sum(part.rungs.map(pixelsOf)) + Math.max(0, ...whole.rungs.map(pixelsOf))
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function describe({ rungs: [rung], sounds: [sound] }: Plan, code: string): LeftOut {
  if (rung) return { kind: 'video', name: rung.name, width: rung.width, height: rung.height, code }
  return { kind: 'audio', name: sound?.name ?? '', width: null, height: null, code }
}

async function run(
  context: AttemptContext,
  source: string,
  plan: Plan,
  onShare: (share: number) => Promise<void>,
  withinSeconds = boundSeconds(plan.work),
): Promise<number | null> {
  const { scratch, scratchBytes, signal, log, config } = context
  for (const { name } of [...plan.rungs, ...plan.sounds]) await mkdir(path.join(scratch, name))
  await writeColourTable(scratch, plan)
  await onShare(0)
  const stderr = await runFfmpeg(ladderCommand(source, scratch, plan), {
    ...{ signal, log, config, withinSeconds, scratch, scratchBytes },
    onProgress: seconds => {
      const expected = plan.durationSeconds
      if (!expected) return
      // Fire and forget: a progress report that fails is followed by another.
      onShare(Math.min(0.99, seconds / expected)).catch(error => log.warn({ err: error }, 'progress lost'))
    },
  }).finally(() => rm(path.join(scratch, COLOUR_TABLE), { force: true })) // what stays there is published
  const pictures = plan.rungs.length > 0 ? countPictures(stderr) : null
  return pictures === null ? null : (pictures * plan.frameRate.den) / plan.frameRate.num
}

/** Reports where the work is, and stops it when the attempt is no longer the one that counts. */
export async function tell(context: AttemptContext, stage: string, progress: number): Promise<void> {
  const isOurs = await report(context.db, context.attempt, { stage, progress })
  if (!isOurs) context.lose()
}
