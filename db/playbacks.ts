// Field figures: how playing went for people, and what that comes to over a time.
import { sql } from 'kysely'
import type { Db } from './client.ts'

export interface Playback {
  videoId: string
  firstFrameMs: number | null
  stalls: number
  stalledMs: number
  watchedMs: number
  height: number | null
  errorCode: string | null
  connection: 'slow-2g' | '2g' | '3g' | '4g' | null
}

/** Those of videos that are not there any more are left out. */
export async function addPlaybacks(db: Db, playbacks: Playback[]): Promise<void> {
  await sql`
    insert into playbacks
      (video_id, first_frame_ms, stalls, stalled_ms, watched_ms, height, error_code, connection)
    select videos.id, "firstFrameMs", stalls, "stalledMs", "watchedMs", given.height, "errorCode", connection
    from json_to_recordset(${JSON.stringify(playbacks)}) as given (
      "videoId" uuid, "firstFrameMs" int, stalls int, "stalledMs" int, "watchedMs" int, height int,
      "errorCode" text, connection text)
    join videos on videos.id = "videoId" and deleted_at is null`.execute(db)
}

export async function forgetPlaybacks(db: Db): Promise<void> {
  await sql`delete from playbacks where at < now() - interval '30 days'`.execute(db)
}

export interface PlaybackFigures {
  /** when it begins */
  from: Date
  playbacks: number
  firstFrameP50: number | null
  firstFrameP95: number | null
  /** of the time that people spent on it: stalled; null when nobody watched */
  stallRatio: number | null
  /** of all that was played: ended in an error; null when there was none */
  errorRatio: number | null
}

export interface PlaybackReport {
  all: PlaybackFigures
  /** the same for each part of the time, oldest first */
  parts: PlaybackFigures[]
  /** the commonest first */
  errors: { code: string; count: number }[]
  /** by the short side of what was shown; null where nothing was */
  heights: { height: number | null; count: number; watchedMs: number }[]
}

/** Of the latest `count` hours or days, the current one among them. Index: playbacks_at. */
export async function playbackReport(
  db: Db,
  { unit, count }: { unit: 'hour' | 'day'; count: number },
): Promise<PlaybackReport> {
  const step = sql`${`1 ${unit}`}::interval`
  const start = sql`date_trunc(${unit}, now(), 'UTC') - ${count - 1} * ${step}`
  const figures = sql`
    count(id)::int as playbacks,
    percentile_cont(0.5) within group (order by first_frame_ms) as "firstFrameP50",
    percentile_cont(0.95) within group (order by first_frame_ms) as "firstFrameP95",
    sum(stalled_ms)::float8 / nullif(sum(stalled_ms + watched_ms), 0) as "stallRatio",
    count(error_code)::float8 / nullif(count(id), 0) as "errorRatio"`
  const { rows: all } = await sql<PlaybackFigures>`
    select ${start} as from, ${figures} from playbacks where at >= ${start}`.execute(db)
  const { rows: parts } = await sql<PlaybackFigures>`
    select part as from, ${figures}
    from generate_series(${start}, now(), ${step}) as part
    left join playbacks on at >= ${start} and at >= part and at < part + ${step}
    group by part
    order by part`.execute(db)
  const { rows: errors } = await sql<PlaybackReport['errors'][number]>`
    select error_code as code, count(*)::int as count
    from playbacks
    where at >= ${start} and error_code is not null
    group by error_code
    order by count(*) desc, error_code
    limit 20`.execute(db)
  const { rows: heights } = await sql<PlaybackReport['heights'][number]>`
    select height, count(*)::int as count, sum(watched_ms)::float8 as "watchedMs"
    from playbacks
    where at >= ${start}
    group by height
    order by height desc nulls last
    limit 20`.execute(db)
  const [whole] = all
  if (!whole) throw new Error('an aggregate without a row')
  return { all: whole, parts, errors, heights }
}
