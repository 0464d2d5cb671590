// What the disk need not hold any more: files and scratch of attempts that did not win, sources that
// the operator does not keep. Must not know where files are.
import { sql } from 'kysely'
import type { Db, Trx } from './client.ts'

/** Attempts that ended without winning: whatever stands under their tokens is rubbish. */
export async function unsweptAttempts(db: Db): Promise<{ token: string; videoId: string }[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['token', 'video_id'])
    .where('swept_at', 'is', null)
    .where('outcome', 'not in', ['running', 'won'])
    // A frozen worker that wakes has this long to notice that its token is void.
    .where('ended_at', '<', sql<Date>`now() - interval '1 minute'`)
    // Renditions come with the win; should a row ever say otherwise, its files are not rubbish.
    .where(sql<boolean>`not exists (select from renditions where renditions.token = attempts.token)`)
    .orderBy('ended_at')
    .limit(500)
    .execute()
  return rows.map(row => ({ token: row.token, videoId: row.video_id }))
}

export async function markSwept(db: Db, token: string): Promise<void> {
  await db.updateTable('attempts').set({ swept_at: sql<Date>`now()` }).where('token', '=', token).execute()
}

export async function runningTokens(db: Db): Promise<Set<string>> {
  const rows = await db.selectFrom('attempts').select('token').where('outcome', '=', 'running').execute()
  return new Set(rows.map(row => row.token))
}

/** Videos that have been ready for `days` and nobody works on. Index: videos_with_source. */
export async function removableSources(db: Db, days: number): Promise<string[]> {
  const rows = await withRemovableSource(db, days).select('id').orderBy('ready_at').limit(200).execute()
  return rows.map(row => row.id)
}

/**
 * Notes that a source is gone; the caller removes the file before it commits.
 * @returns its storage key, or null when it has to stay after all
 */
export async function giveUpSource(trx: Trx, id: string, days: number): Promise<string | null> {
  const video = await withRemovableSource(trx, days)
    .select('source_key')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (!video) return null
  await trx.updateTable('videos').set({ source_removed_at: sql<Date>`now()` }).where('id', '=', id).execute()
  return video.source_key
}

function withRemovableSource(db: Db, days: number) {
  return db
    .selectFrom('videos')
    .where('status', '=', 'ready')
    .where('source_removed_at', 'is', null)
    .where('deleted_at', 'is', null)
    .where('ready_at', '<=', sql<Date>`now() - ${days}::float8 * interval '1 day'`)
    .where(
      sql<boolean>`not exists (
        select from attempts where attempts.video_id = videos.id and outcome = 'running')`,
    )
}
