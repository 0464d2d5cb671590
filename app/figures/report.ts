// What the page of figures shows, read at most once a minute however many look at it.
import { server } from '#app/server.ts'
import type { Db } from '#db/client.ts'
import { type PlaybackReport, playbackReport } from '#db/playbacks.ts'

const SPANS = { day: { unit: 'hour', count: 24 }, week: { unit: 'day', count: 7 } } as const
export type Span = keyof typeof SPANS

const HOLDS_MS = 60_000
const kept = new WeakMap<Db, Map<Span, { readAt: number; report: Promise<PlaybackReport> }>>()

export async function readReport(span: Span): Promise<PlaybackReport> {
  const { db } = await server()
  const known = kept.get(db) ?? new Map()
  kept.set(db, known)
  const last = known.get(span)
  if (last && performance.now() - last.readAt < HOLDS_MS) return last.report
  const report = playbackReport(db, SPANS[span])
  known.set(span, { readAt: performance.now(), report })
  report.catch(() => known.delete(span)) // for the next one who asks; this one hears of it
  return report
}

/** Null when there is no such span. */
export function parseSpan(given: string | string[] | undefined): Span | null {
  if (given === undefined) return 'day'
  return given === 'day' || given === 'week' ? given : null
}
