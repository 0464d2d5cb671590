// A small plot of one figure or two over time. The table beside it says the same in numbers.
import styles from './figures.module.css'

interface Line {
  name: string
  values: (number | null)[]
}

interface PlotProps {
  title: string
  lines: Line[]
  /** of each value, first to last */
  labels: string[]
  describe: (value: number) => string
  /** the scale reaches so far at least */
  atLeast: number
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [640, 200, 64, 24, 10]

export function Plot({ title, lines, labels, describe, atLeast }: PlotProps) {
  const top = Math.max(atLeast, ...lines.flatMap(({ values }) => values.map(value => value ?? 0)))
  const x = (index: number) => LEFT + (index / Math.max(1, labels.length - 1)) * (WIDTH - LEFT - 8)
  const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - BOTTOM - TOP)
  return (
    <figure className={styles.plot}>
      <figcaption>
        {title}
        {lines.length > 1 && (
          <span className={styles.legend}>
            {lines.map(({ name }, index) => (
              <span key={name} data-line={index}>
                {name}
              </span>
            ))}
          </span>
        )}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        {[0, 0.5, 1].map(share => (
          <g key={share}>
            <path className={styles.grid} d={`M${LEFT} ${y(top * share)}H${WIDTH - 8}`} />
            <text x={LEFT - 8} y={y(top * share) + 4} textAnchor="end">
              {describe(top * share)}
            </text>
          </g>
        ))}
        {[0, labels.length - 1].map(index => (
          <text key={index} x={x(index)} y={HEIGHT - 4} textAnchor={index === 0 ? 'start' : 'end'}>
            {labels[index]}
          </text>
        ))}
        {lines.map(({ name, values }, index) => (
          <g key={name} data-line={index}>
            <path d={pathOf(values, x, y)} />
            {values.map((value, at) =>
              value === null ? null : <circle key={at} cx={x(at)} cy={y(value)} r="2.5" />,
            )}
          </g>
        ))}
      </svg>
    </figure>
  )
}

/** With a gap wherever nothing was played. */
function pathOf(values: (number | null)[], x: (index: number) => number, y: (value: number) => number) {
  return values
    .map((value, index) => {
      if (value === null) return ''
      const isBegin = (values[index - 1] ?? null) === null
      return `${isBegin ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`
    })
    .join('')
}
