// What must have a job and has none: it should not happen, and is mended by the sweep if it does.
import { sql } from 'kysely'
import { type Boss, IS_LIVE } from './boss.ts'
import { mayTryExtra, type Work } from './budgets.ts'
import type { Db, Trx } from './client.ts'
import { waitingWishes } from './given.ts'
import { sendWork } from './work.ts'

const AT_MOST = 500

/** Unfinished videos whose work no job stands for. Index: videos_unfinished. */
export async function strandedVideos(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id
    from videos
    where status in ('queued', 'processing')
      and deleted_at is null
      and not exists (${liveJob(['first', 'ladder', 'dead'])})
    order by created_at
    limit ${AT_MOST}`.execute(db)
  return rows.map(row => row.id)
}

/** What an unfinished video still needs; changes nothing while the same work has a job. */
export async function sendMissingWork(
  trx: Trx,
  boss: Boss,
  videoId: string,
  requestId?: string,
): Promise<void> {
  const { rows } = await sql<{ isWhole: boolean; plays: boolean; hadLadder: boolean }>`
    select
      url_hls is not null as "isWhole",
      publication_id is not null as plays,
      exists (select from attempts
        where video_id = videos.id and kind = 'ladder' and outcome = 'running') as "hadLadder"
    from videos where id = ${videoId}`.execute(trx)
  const [video] = rows
  if (!video) return
  const { isWhole, plays, hadLadder } = video
  if (!isWhole && (plays || !hadLadder)) await sendWork(trx, boss, 'first', { videoId, requestId })
  if (plays || hadLadder) await sendWork(trx, boss, 'ladder', { videoId, requestId })
}

/** Deleted videos whose files no job will remove. Index: videos_deleted. */
export async function unpurgedVideos(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id
    from videos
    where deleted_at is not null
      and not exists (${liveJob(['purge'])})
    order by deleted_at
    limit ${AT_MOST}`.execute(db)
  return rows.map(row => row.id)
}

/**
 * Ready videos without preview and storyboard (made before there were any, say) for which no job
 * stands, and tries are left. Index: videos_without_extra.
 */
export async function videosWithoutExtra(db: Db): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id
    from videos
    where status = 'ready'
      and url_preview is null
      and url_storyboard is null
      and deleted_at is null
      and not exists (${liveJob(['extra', 'dead'])})
      and ${mayTryExtra()}
    order by ready_at
    limit ${AT_MOST}`.execute(db)
  return rows.map(row => row.id)
}

/** Ready videos whose poster was asked for and which no job makes. Index: given_posters_waiting. */
export async function videosWithoutPoster(db: Db): Promise<string[]> {
  const rows = await waitingWishes(db)
    .select('videos.id')
    .where(sql<boolean>`not exists (${liveJob(['poster', 'dead'])})`)
    .limit(AT_MOST)
    .execute()
  return rows.map(row => row.id)
}

/** Whether work on a video waits or runs. */
export async function hasJob(db: Db, work: Work, videoId: string): Promise<boolean> {
  const { rows } = await sql<{ lives: boolean }>`
    select exists (
      select from pgboss.job
      where name = ${work} and singleton_key = ${videoId} and ${IS_LIVE}
    ) as lives`.execute(db)
  return rows[0]?.lives ?? false
}

/** pg-boss's own table: a job's singleton key is its video's id. */
export function liveJob(names: string[]) {
  return sql`
    select from pgboss.job
    where name in (${sql.join(names)}) and singleton_key = videos.id::text and ${IS_LIVE}`
}
