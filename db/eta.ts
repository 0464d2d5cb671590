// How long until a video is ready: one read of all that waits and runs, and arithmetic over it.
import { sql } from 'kysely'
import { IS_LIVE } from './boss.ts'
import type { Db } from './client.ts'
import { ALIVE_FOR } from './workers.ts'

/** All that waits and runs. */
export interface Queue {
  /** of the workers that live */
  slots: number
  /** what recent ladders had to do, and the seconds that they took */
  samples: [work: number, seconds: number][]
  /** of every unfinished video, in the order in which they are begun */
  ladders: (Ladder & { id: string })[]
}

/** The same, as one video sees it. */
export interface Outlook extends Pick<Queue, 'slots' | 'samples'> {
  own: Ladder
  /** the others that run now */
  underWay: Ladder[]
  /** what waits before it; `known` of the `count` have their work in `work` */
  ahead: { count: number; known: number; work: number }
}

interface Ladder {
  /** null before the probe */
  work: number | null
  isUnderWay: boolean
  /** of the encode, when it was last said */
  progress: number
  /** since the attempt began */
  elapsedSeconds: number
  /** since progress was last said */
  sinceSeconds: number
}

interface Pace {
  /** of each ladder, whatever its length */
  fixedSeconds: number
  secondsPerWork: number
  usualWork: number
}

const SAMPLES = 20
// What an attempt's own speed is weighed against: so many seconds at the speed of others.
const PRIOR_SECONDS = 4
// Of what all ladders take whatever their length, what comes after the encode.
const FIXED_AFTER = 0.5

/** Null when it cannot be told: it has ended, no worker lives, or no ladder was ever made here. */
export function secondsUntilReady({ slots, samples, ladders }: Queue, videoId: string): number | null {
  const place = ladders.findIndex(({ id }) => id === videoId)
  const own = ladders[place]
  if (!own) return null
  const ahead = ladders.slice(0, place).filter(({ isUnderWay }) => !isUnderWay)
  const works = ahead.flatMap(({ work }) => work ?? [])
  const seconds = estimate({
    ...{ slots, samples, own },
    underWay: ladders.filter(other => other.isUnderWay && other !== own),
    ahead: { count: ahead.length, known: works.length, work: works.reduce((sum, work) => sum + work, 0) },
  })
  return seconds === null ? null : Math.max(1, Math.round(seconds))
}

/** As if slots were filled evenly with what waits before it. */
export function estimate({ slots, samples, own, underWay, ahead }: Outlook): number | null {
  if (slots === 0) return null
  const pace = paceOf(samples)
  if (own.isUnderWay) return rest(own, pace)
  if (!pace) return null
  const work = ahead.work + (ahead.count - ahead.known) * pace.usualWork
  const busy = underWay.map(ladder => rest(ladder, pace) ?? 0)
  const wait = untilFree(busy, slots, ahead.count * pace.fixedSeconds + work * pace.secondsPerWork)
  return wait + pace.fixedSeconds + (own.work ?? pace.usualWork) * pace.secondsPerWork
}

/** A line through the samples, by least squares; through the origin where that would begin below it. */
function paceOf(samples: Outlook['samples']): Pace | null {
  if (samples.length === 0) return null
  const mean = (of: (sample: [number, number]) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length
  const usualWork = mean(([work]) => work)
  const seconds = mean(sample => sample[1])
  const spread = mean(([work]) => (work - usualWork) ** 2)
  const slope = spread > 0 ? mean(([work, took]) => (work - usualWork) * (took - seconds)) / spread : 0
  const ratio = usualWork > 0 ? seconds / usualWork : 0
  const secondsPerWork = slope > 0 ? Math.min(slope, ratio) : ratio
  return { usualWork, secondsPerWork, fixedSeconds: seconds - secondsPerWork * usualWork }
}

/** Of a ladder that runs: as others by how much it is, and by its own speed the more, the longer it runs. */
function rest({ work, progress, elapsedSeconds, sinceSeconds }: Ladder, pace: Pace | null): number | null {
  const elapsed = elapsedSeconds - sinceSeconds
  if (!pace) return progress > 0 ? Math.max(0, (elapsed * (1 - progress)) / progress - sinceSeconds) : null
  const usual = (work ?? pace.usualWork) * pace.secondsPerWork
  const slowness = progress > 0 ? (elapsed + PRIOR_SECONDS) / (usual * progress + PRIOR_SECONDS) : 1
  const fixed = pace.fixedSeconds * (progress > 0 ? FIXED_AFTER : 1)
  return Math.max(0, usual * (1 - progress) * slowness + fixed - sinceSeconds)
}

/** When one of the slots comes free, after they have done `ahead` seconds of work as well. */
function untilFree(busySeconds: number[], slots: number, ahead: number): number {
  const idle = Array.from({ length: Math.max(0, slots - busySeconds.length) }, () => 0)
  const busy = [...idle, ...busySeconds].sort((a, b) => a - b)
  // The first n slots, filled up to one level: the right n is that whose next slot is busier than it.
  let sum = 0
  for (const [index, seconds] of busy.entries()) {
    sum += seconds
    const level = (sum + ahead) / (index + 1)
    if (level <= (busy[index + 1] ?? Number.POSITIVE_INFINITY)) return level
  }
  return 0
}

/** Indexes: videos_unfinished, attempts_won_ladders. */
export async function readQueue(db: Db): Promise<Queue> {
  const { rows } = await sql<Queue>`
    with living as (
      select id, slots from workers where seen_at > now() - ${sql.lit(ALIVE_FOR)}::interval
    ),
    queue as (
      select videos.id, work, progress, running.token is not null as "isUnderWay",
        coalesce(extract(epoch from now() - running.started_at), 0)::float8 as "elapsedSeconds",
        coalesce(extract(epoch from now() - greatest(progress_at, running.started_at)), 0)::float8
          as "sinceSeconds",
        -- As pg-boss gives jobs out; a ladder that is not sent yet comes after all that are.
        row_number() over (order by job.priority desc nulls last, job.created_on, videos.created_at) as place
      from videos
      left join attempts running on running.video_id = videos.id
        and running.kind = 'ladder' and outcome = 'running'
        and worker_id in (select id from living)
      left join pgboss.job on job.name = 'ladder' and singleton_key = videos.id::text and ${IS_LIVE}
      where status in ('queued', 'processing') and deleted_at is null
    ),
    recent as (
      select work, extract(epoch from ended_at - started_at)::float8 as seconds
      from attempts
      join videos on videos.id = video_id
      where kind = 'ladder' and outcome = 'won' and work is not null
      order by ended_at desc
      limit ${SAMPLES}
    )
    select
      (select coalesce(sum(slots), 0)::int from living) as slots,
      (select coalesce(jsonb_agg(jsonb_build_array(work, seconds)), '[]') from recent) as samples,
      (select coalesce(jsonb_agg(to_jsonb(queue) order by place), '[]') from queue) as ladders`.execute(db)
  const [queue] = rows
  if (!queue) throw new Error('a query without from has one row')
  return queue
}
