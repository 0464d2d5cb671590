// What must hold between rows, jobs and files, as questions that change nothing: each answers with
// what breaks it. Some of it is a constraint as well; the doctor looks all the same.
// A question sees one moment, and work may be between two steps just then: ask twice.
import { sql } from 'kysely'
import { IS_LIVE } from './boss.ts'
import type { Db } from './client.ts'
import { type JobName, jobNames } from './jobs.ts'
import { ALIVE_FOR } from './workers.ts'

const AT_MOST = 500

/** Unfinished videos that no job stands for. Not heal.ts's question: what heals is not its own judge. */
export async function unfinishedWithoutJob(db: Db): Promise<string[]> {
  return column(
    db,
    sql`select id as found from videos
      where status in ('queued', 'processing')
        and deleted_at is null
        and id::text not in (${videosOfLiveJobs(['first', 'ladder', 'dead'])})`,
  )
}

/** Deleted videos whose files no job will remove. */
export async function deletedWithoutPurge(db: Db): Promise<string[]> {
  return column(
    db,
    sql`select id as found from videos
      where deleted_at is not null and id::text not in (${videosOfLiveJobs(['purge'])})`,
  )
}

/** Index: videos_unfinished. */
export async function uploadsWithoutRow(db: Db): Promise<string[]> {
  return column(
    db,
    sql`select id as found from videos
      where status = 'uploading'
        and deleted_at is null
        and not exists (select from uploads where video_id = videos.id)`,
  )
}

/** Running attempts (tokens) that no worker holds and that no job will give to another. */
export async function abandonedAttempts(db: Db): Promise<string[]> {
  return column(
    db,
    // An attempt's kind is the name of its queue.
    sql`select token as found from attempts
      where outcome = 'running'
        and not exists (
          select from workers
          where workers.id = worker_id and seen_at > now() - ${sql.lit(ALIVE_FOR)}::interval)
        and video_id::text not in (${videosOfLiveJobs(['dead'])})
        and (kind, video_id::text) not in (
          select name, singleton_key from pgboss.job where ${IS_LIVE} and singleton_key is not null)`,
  )
}

/** Live jobs, as `queue id`, whose video no longer exists. */
export async function jobsWithoutVideo(db: Db): Promise<string[]> {
  return column(
    db,
    sql`select concat_ws(' ', name, id) as found from pgboss.job
      where name in (${sql.join(jobNames)})
        and name not in ('sweep', 'tidy')
        and ${IS_LIVE}
        and not exists (select from videos where videos.id::text = data ->> 'videoId')`,
  )
}

/** Videos with two attempts that run on the same work, or two current publications, or playing an old one. */
export async function videosWithTwoWinners(db: Db): Promise<string[]> {
  return column(
    db,
    sql`select video_id as found from attempts
      where outcome = 'running'
      group by video_id, kind, params
      having count(*) > 1
      union
      select video_id from publications
      where superseded_at is null
      group by video_id
      having count(*) > 1
      union
      select videos.id from videos
      join publications on publications.id = publication_id
      where superseded_at is not null`,
  )
}

/** Queues in which the oldest runnable job waits longer than that while no worker has one of them. */
export async function stalledQueues(db: Db, seconds: number): Promise<{ name: string; seconds: number }[]> {
  const { rows } = await sql<{ name: string; seconds: number }>`
    select name, extract(epoch from now() - min(greatest(created_on, start_after))
      filter (where state in ('created', 'retry') and start_after < now()))::float8 as seconds
    from pgboss.job
    where name in (${sql.join(jobNames)}) and ${IS_LIVE}
    group by name
    having count(*) filter (where state = 'active') = 0
      and min(greatest(created_on, start_after)) filter (where state in ('created', 'retry'))
        < now() - ${seconds} * interval '1 second'`.execute(db)
  return rows
}

export interface KeptSource {
  id: string
  key: string
  /** that it has; of an upload under way, at least */
  bytes: number
  isUnderWay: boolean
  /** its work is still to be done */
  isAwaited: boolean
}

/** The source of every video that has not given it away; those after `afterId`, by id. */
export async function keptSources(db: Db, afterId: string | null, limit: number): Promise<KeptSource[]> {
  const { rows } = await sql<KeptSource>`
    select id, source_key as key, status = 'uploading' as "isUnderWay",
      case when status = 'uploading' then received else source_bytes end as bytes,
      status in ('queued', 'processing') as "isAwaited"
    from videos left join uploads on video_id = id
    where deleted_at is null
      and source_removed_at is null
      and (status <> 'uploading' or received > 0)
      and (${afterId}::uuid is null or id > ${afterId}::uuid)
    order by id
    limit ${limit}`.execute(db)
  return rows
}

export interface PublishedFiles {
  id: string
  /** named by the video or its publication */
  keys: string[]
  renditions: { key: string; bytes: number; segments: { uri: string; bytes: number }[] }[]
}

/** What the videos after `afterId`, by id, play from. */
export async function publishedFiles(
  db: Db,
  afterId: string | null,
  limit: number,
): Promise<PublishedFiles[]> {
  const { rows } = await sql<PublishedFiles>`
    select
      videos.id,
      array_remove(array[master_key, url_hls, url_mp4, thumbnail], null) as keys,
      (select coalesce(json_agg(json_build_object('key', key, 'bytes', bytes, 'segments', segments)), '[]')
        from publication_renditions join renditions on renditions.id = rendition_id
        where publication_renditions.publication_id = publications.id and state = 'ready' and complete) as renditions
    from videos
    join publications on publications.id = videos.publication_id
    where deleted_at is null and (${afterId}::uuid is null or videos.id > ${afterId}::uuid)
    order by videos.id
    limit ${limit}`.execute(db)
  return rows
}

/** Who owns files of the storage, as media/orphans.ts asks. */
export function owners(db: Db) {
  return {
    unownedSources: (videoIds: string[]) => unownedSources(db, videoIds),
    unownedTokens: (tokens: string[]) => unownedTokens(db, tokens),
  }
}

/** Which of these no video's source is. */
async function unownedSources(db: Db, videoIds: string[]): Promise<string[]> {
  return column(
    db,
    sql`select id as found from unnest(${videoIds}::uuid[]) as given(id)
      where not exists (select from videos where videos.id = given.id)`,
  )
}

/** Which of these tokens are no attempt's, or one's whose files the sweep has removed. */
async function unownedTokens(db: Db, tokens: string[]): Promise<string[]> {
  return column(
    db,
    sql`select token as found from unnest(${tokens}::uuid[]) as given(token)
      where not exists (
        select from attempts where attempts.token = given.token and swept_at is null)`,
  )
}

/**
 * A job's singleton key is its video's id. For `not in`, which is one pass over the jobs whatever the
 * planner believes of them; `not exists` took 15 s for 10 000 videos before the first ANALYZE.
 */
function videosOfLiveJobs(names: JobName[]) {
  return sql`
    select singleton_key from pgboss.job
    where name in (${sql.join(names)}) and ${IS_LIVE} and singleton_key is not null`
}

async function column(db: Db, query: ReturnType<typeof sql>): Promise<string[]> {
  const { rows } = await sql<{ found: string }>`
    select found::text from (${query}) as answer
    order by found
    limit ${AT_MOST}`.execute(db)
  return rows.map(row => row.found)
}
