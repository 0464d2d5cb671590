// What a restored database needs before and after its rows come: nobody else in it, nothing in it,
// and then work that goes on by itself.
import { sql } from 'kysely'
import { type Boss, send } from './boss.ts'
import type { Db, Trx } from './client.ts'
import { sendMissingWork, strandedVideos, unpurgedVideos } from './heal.ts'
import { appliedMigrations } from './migrate.ts'
import { UNPUBLISHED } from './settle.ts'

/** The web processes and workers that are connected, by name. */
export async function connectedProcesses(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct application_name as name from pg_stat_activity
    where datname = current_database() and application_name in ('pgreel-web', 'pgreel-worker')
    order by name`.execute(db)
  return rows.map(row => row.name)
}

export async function hasVideos(db: Db): Promise<boolean> {
  if ((await appliedMigrations(db)).length === 0) return false
  return (await db.selectFrom('videos').select('id').limit(1).executeTakeFirst()) !== undefined
}

export async function forgetVideos(db: Db, ids: string[]): Promise<void> {
  await sql`delete from videos where id = any(${ids}::uuid[])`.execute(db)
}

/** The workers of then are gone: what they ran is over, and whatever is unfinished gets a job. */
export async function resumeWork(trx: Trx, boss: Boss): Promise<void> {
  await trx
    .updateTable('attempts')
    .set({ outcome: 'crashed', ended_at: sql<Date>`now()` })
    .where('outcome', '=', 'running')
    .execute()
  // What was growing has files of more moments than one: it begins anew.
  await sql`
      update publications set superseded_at = now()
      where superseded_at is null and master_key is null`.execute(trx)
  await trx
    .updateTable('videos')
    .set({ ...UNPUBLISHED })
    .where('status', '=', 'processing')
    .where('url_hls', 'is', null)
    .execute()
  await trx
    .updateTable('videos')
    .set({ status: 'queued', stage: 'queued', progress: 0 })
    .where('status', '=', 'processing')
    .where('deleted_at', 'is', null)
    .execute()
  for (const [sendTo, withoutJob] of [
    [(videoId: string) => sendMissingWork(trx, boss, videoId), strandedVideos],
    [(videoId: string) => send(trx, boss, 'purge', { videoId }), unpurgedVideos],
  ] as const) {
    for (let ids = await withoutJob(trx); ids.length > 0; ids = await withoutJob(trx))
      for (const videoId of ids) await sendTo(videoId)
  }
}
