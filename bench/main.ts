// `pnpm bench <name>`: measures one question and says whether its bounds hold. Everything it starts
// and writes is gone afterwards, also after Ctrl-C.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fail, Sentence, timedSay } from '#cli/say.ts'
import { aborted, Stopped, toldToStop } from '#process/told-to-stop.ts'
import type { Bench } from './context.ts'
import { printFigures } from './figures.ts'

const benches: Record<string, () => Promise<{ bench: Bench }>> = {
  chaos: () => import('./chaos.ts'),
  corpus: () => import('./corpus.ts'),
  eta: () => import('./eta.ts'),
  feed: () => import('./feed.ts'),
  first: () => import('./first.ts'),
  frozen: () => import('./frozen.ts'),
  kills: () => import('./kills.ts'),
  live: () => import('./live.ts'),
  media: () => import('./media.ts'),
  playable: () => import('./playable.ts'),
  quality: () => import('./quality.ts'),
  queue: () => import('./queue.ts'),
  swipe: () => import('./swipe.ts'),
  transcode: () => import('./transcode.ts'),
  upload: () => import('./upload.ts'),
}

const STOP_WITHIN_MS = 3000

const { signal } = toldToStop()
try {
  await main()
} catch (error) {
  if (error instanceof Stopped) console.error(`Stopped: ${error.message}.`)
  else fail(error)
  process.exitCode = 1
}
process.exit()

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      plot: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      mutants: { type: 'string' },
      swipes: { type: 'string' },
      unfenced: { type: 'boolean', default: false },
    },
  })
  const [name = '', ...args] = positionals
  const load = benches[name]
  if (!load) {
    throw new Sentence(
      `pnpm bench ${Object.keys(benches).join(' | ')} [--quick] [--plot] [--minutes M --seed S] [--mutants N] [--swipes N]: see bench/README.md.`,
    )
  }
  const { bench } = await load()
  const closing = new AsyncDisposableStack()
  const { minutes, seed, mutants, swipes } = values
  const numbers = {
    minutes: numberOf(minutes),
    seed: numberOf(seed),
    mutants: numberOf(mutants),
    swipes: numberOf(swipes),
  }
  const work = bench({ ...values, ...numbers, args, signal, closing, say: timedSay() })
  try {
    await Promise.race([work, aborted(signal)])
    signal.throwIfAborted()
    process.exitCode = printFigures(name, await work) ? 0 : 1
  } finally {
    // What is starting just now has to be known before it can be stopped.
    if (signal.aborted) await Promise.race([work.catch(() => {}), delay(STOP_WITHIN_MS)])
    await closing.disposeAsync()
  }
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!(number >= 0)) throw new Sentence(`"${text}" is not a number.`)
  return number
}
