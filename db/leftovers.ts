// What the disk need not hold any more: files and scratch of attempts that did not win. Must not know
// where files are.
import { sql } from 'kysely'
import type { Db } from './client.ts'

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
