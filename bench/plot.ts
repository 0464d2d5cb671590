// The smallest pictures that say something: bars, and distributions. Grey text on no ground, so that
// they can be read on light and dark pages.
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

const COLOURS = ['#2f81f7', '#db6d28', '#a371f7', '#3fb950', '#d29922']
const GREY = '#808890'
const [WIDTH, LEFT, RIGHT] = [720, 190, 530]

interface Plot {
  /** the file in bench/plots */
  name: string
  title: string
  unit: string
}

/** One bar for each value, on one scale from zero. */
export function drawBars({ name, title, unit }: Plot, bars: { label: string; value: number }[]) {
  const scale = (WIDTH - LEFT - 90) / Math.max(...bars.map(bar => bar.value))
  const parts = bars.map(({ label, value }, index) => {
    const [y, width] = [44 + index * 30, Math.round(value * scale)]
    const bar = `<rect x="${LEFT}" y="${y}" width="${width}" height="20" rx="3" fill="${COLOURS[index]}"/>`
    const number = text(LEFT + width + 8, y + 15, `${value.toPrecision(3)} ${unit}`)
    return text(LEFT - 10, y + 15, label, 'end') + bar + number
  })
  return write(name, title, 54 + bars.length * 30, parts)
}

/** How large a share of the values is at most so many: one line for each series, x by powers of ten. */
export function drawShares({ name, title, unit }: Plot, series: { label: string; values: number[] }[]) {
  const all = series.flatMap(({ values }) => values)
  const low = Math.floor(Math.log10(Math.min(...all)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))))
  const x = (value: number) => Math.round(50 + ((Math.log10(value) - low) / (high - low)) * (RIGHT - 50))
  const y = (share: number) => Math.round(260 - share * 210)
  const grid = [0, 0.5, 0.95].map(share => {
    const line = `<path d="M50 ${y(share)}H${RIGHT}" stroke="${GREY}" stroke-opacity=".4"/>`
    return line + text(42, y(share) + 4, `${share * 100} %`, 'end')
  })
  const ticks = Array.from({ length: high - low + 1 }, (_, power) => 10 ** (low + power))
  const labels = ticks.map(tick => text(x(tick), 282, `${tick} ${unit}`, 'middle'))
  const lines = series.map(({ label, values }, index) => {
    const sorted = values.toSorted((a, b) => a - b)
    const points = sorted.map((value, rank) => `${x(value)} ${y((rank + 1) / sorted.length)}`)
    const line = `<path d="M${points.join('L')}" fill="none" stroke="${COLOURS[index]}" stroke-width="2.5"/>`
    return line + text(RIGHT + 15, 70 + index * 24, label, 'start', COLOURS[index])
  })
  return write(name, title, 296, [...grid, ...labels, ...lines])
}

async function write(name: string, title: string, height: number, parts: string[]): Promise<void> {
  const size = `viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13"`
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}>`,
    `<title>${title}</title>`,
    text(10, 22, title),
  ]
  const folder = path.join(import.meta.dirname, 'plots')
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, `${name}.svg`), [...lines, ...parts, '</svg>', ''].join('\n'))
}

function text(x: number, y: number, words: string, anchor = 'start', fill = GREY): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}">${words}</text>`
}
