// Views and likes: who counts, and how often. Numbers are changed where they are, never read and written
// back; each change is one statement, which holds a video's count as long as it takes, and not longer.
import { sql } from 'kysely'
import type { Db } from './client.ts'

const VIEW_COUNTS_FOR = sql`interval '30 minutes'`

export interface Likes {
  likes: number
  liked: boolean
}

/** Liked twice is liked. Null where there is no such video to play. */
export async function like(db: Db, videoId: string, viewer: string): Promise<Likes | null> {
  await sql`
    insert into likes (video_id, viewer)
    select id, ${viewer}::uuid from ${playable(videoId)}
    on conflict do nothing`.execute(db)
  return likesOf(db, videoId, viewer)
}

export async function unlike(db: Db, videoId: string, viewer: string): Promise<Likes | null> {
  await db.deleteFrom('likes').where('video_id', '=', videoId).where('viewer', '=', viewer).execute()
  return likesOf(db, videoId, viewer)
}

async function likesOf(db: Db, videoId: string, viewer: string): Promise<Likes | null> {
  const { rows } = await sql<Likes>`
    select likes, exists (select from likes where video_id = id and viewer = ${viewer}::uuid) as liked
    from video_counts join ${playable(videoId)} on id = video_id`.execute(db)
  return rows[0] ?? null
}

/**
 * Counts a view, unless this viewer's was counted within half an hour.
 * @param alsoAs another id of the same viewer, by which it is to be known from now on
 * @returns whether there is such a video to play
 */
export async function countView(
  db: Db,
  videoId: string,
  viewer: string,
  alsoAs: string | null = null,
): Promise<boolean> {
  const { rows } = await sql<{ exists: boolean }>`
    with video as materialized (select id from ${playable(videoId)}),
    counted as (
      insert into views (video_id, viewer)
      select id, ${viewer}::uuid from video
      on conflict (video_id, viewer) do update
      set at = now()
      where views.at <= now() - ${VIEW_COUNTS_FOR}
      returning video_id
    ),
    known as (
      insert into views (video_id, viewer)
      select id, ${alsoAs}::uuid from video where ${alsoAs}::uuid is not null
    ),
    added as (
      update video_counts
      set views = views + 1
      from counted
      where video_counts.video_id = counted.video_id
    )
    select exists (select from video)`.execute(db)
  return rows[0]?.exists ?? false
}

/** Who liked it, of these. */
export async function likersAmong(db: Db, videoId: string, viewers: string[]): Promise<Set<string>> {
  if (viewers.length === 0) return new Set()
  const rows = await db
    .selectFrom('likes')
    .select('viewer')
    .where('video_id', '=', videoId)
    .where('viewer', 'in', viewers)
    .execute()
  return new Set(rows.map(row => row.viewer))
}

/** What is counted anew when it comes again. Index: views_at. */
export async function forgetViews(db: Db): Promise<void> {
  await sql`delete from views where at <= now() - ${VIEW_COUNTS_FOR}`.execute(db)
}

function playable(videoId: string) {
  return sql`(
    select id from videos where id = ${videoId}::uuid and playable_at is not null and deleted_at is null
  ) as playable`
}
