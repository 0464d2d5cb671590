// What every bench gets.
import type { Say } from '#cli/say.ts'
import type { Figure } from './figures.ts'

export interface BenchContext {
  /** for work on the bench itself: everything small, figures mean nothing */
  quick: boolean
  /** draw bench/plots/<name>.svg */
  plot: boolean
  /** of chaos: how long, and which */
  minutes: number | undefined
  seed: number | undefined
  /** of corpus: how many; what stands behind the bench's name */
  mutants: number | undefined
  args: string[]
  /** of swipe: how many, before what has grown is looked at */
  swipes: number | undefined
  /** of frozen: workers that do not ask whether they still own what they do */
  unfenced: boolean
  signal: AbortSignal
  /** gets what ends and removes everything the bench makes */
  closing: AsyncDisposableStack
  say: Say
}

export type Bench = (context: BenchContext) => Promise<Figure[]>
