// What a bench found: figures with their bounds, as a table for people and a line of JSON each for
// programs. Must not know what was measured.

export interface Figure {
  figure: string
  value: number
  unit: string
  /** null where there is nothing to hold, only something to know */
  bound: Bound | null
}

type Bound = { atMost: number } | { atLeast: number }

/** @returns whether every bound is kept */
export function printFigures(bench: string, figures: Figure[]): boolean {
  const rows = figures.map(({ figure, value, unit, bound }) => [
    figure,
    `${rounded(value)} ${unit}`.trim(),
    bound ? describe(bound) : '',
    bound ? (isKept(value, bound) ? 'ok' : 'MISSED') : '',
  ])
  const widths = [0, 1, 2, 3].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  for (const { figure, value, unit, bound } of figures) {
    const line = {
      bench,
      figure,
      value: rounded(value),
      unit,
      bound: limitOf(bound),
      ok: isKept(value, bound),
    }
    console.log(JSON.stringify(line))
  }
  return figures.every(({ value, bound }) => isKept(value, bound))
}

/** A figure that could not be measured keeps no bound. */
function isKept(value: number, bound: Bound | null): boolean {
  if (Number.isNaN(value)) return false
  if (!bound) return true
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast
}

function describe(bound: Bound): string {
  return 'atMost' in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`
}

function limitOf(bound: Bound | null): number | null {
  if (!bound) return null
  return 'atMost' in bound ? bound.atMost : bound.atLeast
}

/** Three digits that mean something; a bound is judged before. */
function rounded(value: number): number {
  return Number(value.toPrecision(Math.abs(value) >= 100 ? 4 : 3))
}

export function median(values: number[]): number {
  return percentile(values, 0.5)
}

/** The smallest value that a `share` of all does not exceed; in the middle of an even number, their mean. */
export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = share * sorted.length
  const upper = sorted[Math.min(sorted.length - 1, Math.floor(rank))] ?? Number.NaN
  if (share !== 0.5 || !Number.isInteger(rank)) return sorted[Math.max(0, Math.ceil(rank) - 1)] ?? Number.NaN
  return ((sorted[rank - 1] ?? Number.NaN) + upper) / 2
}

/** The median of what each pair says by itself: what slows the machine slows both sides of a pair. */
export function medianRatio(pairs: [ours: number, theirs: number][]): number {
  return median(pairs.map(([ours, theirs]) => ours / theirs))
}
