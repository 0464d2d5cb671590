// The copy of a first rung, begun while ffprobe still reads the source: starting the one takes as long
// as the other, and most of what phones write can be cut as it is. What ffprobe says decides all the
// same: what was begun is gone on with only where it had been guessed.
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { AttemptContext } from './attempt.ts'
import { type Copyable, judgeCopy } from './ffmpeg/copyable.ts'
import type { Facts } from './ffmpeg/facts.ts'
import { copyCommand } from './ffmpeg/first-args.ts'
import { guessFacts } from './ffmpeg/guess.ts'
import { planLadder } from './ffmpeg/plan.ts'
import { type FirstPlan, planCopy } from './ffmpeg/plan-first.ts'
import { runFfmpeg } from './ffmpeg/run.ts'

export interface Signals {
  signal: AbortSignal
  /** fires when somebody can watch */
  unhurried: AbortSignal
}

export interface HeadStart extends AsyncDisposable {
  judged: Copyable
  /** whether `facts` are what had been guessed, in everything that judgeCopy goes by */
  guessed(facts: Facts): boolean
  /** @returns the end of what was begun */
  goOn(signals: Signals): Promise<unknown>
}

/** @returns null where nothing is begun; what is wrong with the file, the probe says better */
export async function tryHeadStart(context: AttemptContext, source: string): Promise<HeadStart | null> {
  try {
    return await begin(context, source)
  } catch (error) {
    context.signal.throwIfAborted()
    context.log.debug({ err: error }, 'no head start')
    return null
  }
}

async function begin(context: AttemptContext, source: string): Promise<HeadStart | null> {
  const { config, scratch, signal } = context
  const guess = await guessFacts(source)
  const judged = guess && (await judgeCopy(source, guess, signal))
  if (!judged || 'reason' in judged) return null
  const plan = planCopy(planLadder(guess, config), guess, judged)
  await makeFolders(scratch, plan)
  const over = new AbortController()
  const watched = new AbortController()
  const own = { signal: AbortSignal.any([signal, over.signal]), unhurried: watched.signal }
  const ended = runFfmpeg(copyCommand(source, scratch, plan, judged), { ...context, ...own })
  const settled = ended.catch(() => {}) // whoever goes on with it hears how it ended
  return {
    judged,
    guessed: facts => isDeepStrictEqual(judgedBy(facts), judgedBy(guess)),
    goOn(signals) {
      follow(signals.signal, over)
      follow(signals.unhurried, watched)
      return ended
    },
    async [Symbol.asyncDispose]() {
      over.abort(new Error('the head start is over'))
      await settled
    },
  }
}

function judgedBy({ format, video: { frameRate: _, pixelFormat, colour, ...video }, audio }: Facts) {
  const isMov = format.split(',').includes('mov')
  // Of the same bits; the j says that all of their range is used.
  const { transfer } = colour
  return { isMov, audio, video, transfer, pixelFormat: pixelFormat.replace('yuvj', 'yuv') }
}

function follow(signal: AbortSignal, controller: AbortController): void {
  signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
  if (signal.aborted) controller.abort(signal.reason)
}

export async function makeFolders(scratch: string, { streams }: FirstPlan): Promise<void> {
  for (const { name } of streams) await mkdir(path.join(scratch, name))
}

export async function removeFolders(scratch: string, { streams }: FirstPlan): Promise<void> {
  for (const { name } of streams) await rm(path.join(scratch, name), { recursive: true, force: true })
}
