// /figures: how playing went for people, over the last day or week, as their players told it.
import type { Metadata } from 'next'
import { notFound } from 'next/navigation'
import { Link } from '#app/ui/link.tsx'
import type { PlaybackFigures } from '#db/playbacks.ts'
import styles from './figures.module.css'
import { Plot } from './plot.tsx'
import { parseSpan, readReport, type Span } from './report.ts'

export const dynamic = 'force-dynamic'
export const metadata: Metadata = { title: 'Figures', robots: 'noindex' }

const NAMES: Record<Span, string> = { day: 'Last 24 hours', week: 'Last 7 days' }

export default async function FiguresPage({ searchParams }: PageProps<'/figures'>) {
  const span = parseSpan((await searchParams).span)
  if (!span) notFound()
  const { all, parts, errors, heights } = await readReport(span)
  const labels = parts.map(({ from }) => describeTime(from, span))
  return (
    <div className={styles.page}>
      <h1>How playing went</h1>
      <nav className="choices page-choices" aria-label="Time">
        {(['day', 'week'] as const).map(name => (
          <Link key={name} href={`/figures?span=${name}`} aria-current={name === span ? 'page' : undefined}>
            {NAMES[name]}
          </Link>
        ))}
      </nav>
      <dl className={styles.headline}>
        <Figure name="Played" value={String(all.playbacks)} />
        <Figure name="First frame, p50" value={milliseconds(all.firstFrameP50)} />
        <Figure name="First frame, p95" value={milliseconds(all.firstFrameP95)} />
        <Figure name="Time stalled" value={percent(all.stallRatio)} />
        <Figure name="Ended in an error" value={percent(all.errorRatio)} />
      </dl>
      {all.playbacks === 0 ? (
        <p className={styles.nothing}>
          Nobody watched in this time. Players tell what they measured when somebody goes on to another video.
        </p>
      ) : (
        <>
          <div className={styles.plots}>
            <Plot
              title="Time to the first frame"
              labels={labels}
              lines={[
                { name: 'p50', values: parts.map(part => part.firstFrameP50) },
                { name: 'p95', values: parts.map(part => part.firstFrameP95) },
              ]}
              describe={milliseconds}
              atLeast={250}
            />
            <Plot
              title="Share of the time that was stalled"
              labels={labels}
              lines={[{ name: 'stalled', values: parts.map(part => part.stallRatio) }]}
              describe={percent}
              atLeast={0.01}
            />
          </div>
          <Parts parts={parts} labels={labels} unit={span === 'day' ? 'Hour' : 'Day'} />
          <div className={styles.pair}>
            <Table
              caption="Errors"
              head={['Code', 'How often']}
              rows={errors.map(({ code, count }) => [code, String(count)])}
            />
            <Table
              caption="Quality at the end"
              head={['Lines', 'How often', 'Watched']}
              rows={heights.map(({ height, count, watchedMs }) => [
                height === null ? 'none shown' : `${height}p`,
                String(count),
                `${Math.round(watchedMs / 60_000)} min`,
              ])}
            />
          </div>
        </>
      )}
    </div>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Parts({ parts, labels, unit }: { parts: PlaybackFigures[]; labels: string[]; unit: string }) {
  const rows = parts.map((part, index) => [
    ...[labels[index] ?? '', String(part.playbacks), milliseconds(part.firstFrameP50)],
    ...[milliseconds(part.firstFrameP95), percent(part.stallRatio), percent(part.errorRatio)],
  ])
  const head = [`${unit} (UTC)`, 'Played', 'p50', 'p95', 'Stalled', 'Errors']
  return <Table caption="In numbers" head={head} rows={rows} />
}

function Table({ caption, head, rows }: { caption: string; head: string[]; rows: string[][] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: wider than a phone it may be, and is then scrolled by keyboard as well
    <section className={styles.table} aria-label={caption} tabIndex={0}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {head.map(name => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.length === 0 && (
            <tr>
              <td colSpan={head.length}>None</td>
            </tr>
          )}
          {rows.map(([first, ...rest]) => (
            <tr key={first}>
              <th scope="row">{first}</th>
              {rest.map((cell, index) => (
                <td key={index}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function describeTime(at: Date, span: Span): string {
  const text = at.toISOString()
  return span === 'day' ? text.slice(11, 16) : text.slice(5, 10)
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${Math.round(value)} ms`
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(value < 0.1 ? 2 : 0)} %`
}
