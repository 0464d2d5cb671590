// Workers: each says every two seconds that it lives; the others believe it for seven.
import { sql } from 'kysely'
import type { Db } from './client.ts'

export const HEARTBEAT_SECONDS = 2
export const ALIVE_FOR = '7 seconds'
const FORGOTTEN_AFTER = '1 day'

export interface WorkerIdentity {
  id: string
  host: string
  pid: number
  slots: number
}

export async function heartbeat(db: Db, worker: WorkerIdentity): Promise<void> {
  await db
    .insertInto('workers')
    .values(worker)
    .onConflict(conflict => conflict.column('id').doUpdateSet({ seen_at: sql<Date>`now()` }))
    .execute()
}

export async function removeWorker(db: Db, id: string): Promise<void> {
  await db.deleteFrom('workers').where('id', '=', id).execute()
}

export async function forgetDeadWorkers(db: Db): Promise<void> {
  await db
    .deleteFrom('workers')
    .where('seen_at', '<', sql<Date>`now() - ${sql.lit(FORGOTTEN_AFTER)}::interval`)
    .execute()
}

export interface Health {
  workersAlive: number
  slots: number
  /** videos that wait or are being worked on */
  queued: number
  processing: number
  /** of those, how many wait for room on disk or in memory */
  postponed: number
  /** the longest that a runnable video has been waiting; null when none is */
  oldestSeconds: number | null
}

export async function readHealth(db: Db): Promise<Health> {
  const { rows } = await sql<Health>`
    select
      (select count(*)::int from workers where seen_at > now() - ${sql.lit(ALIVE_FOR)}::interval) as "workersAlive",
      (select coalesce(sum(slots), 0)::int from workers
        where seen_at > now() - ${sql.lit(ALIVE_FOR)}::interval) as slots,
      count(*) filter (where status = 'queued')::int as queued,
      count(*) filter (where status = 'processing')::int as processing,
      count(*) filter (where stage in ('waiting_for_disk', 'waiting_for_memory'))::int as postponed,
      (select extract(epoch from now() - min(uploads.finished_at))::float8
        from uploads join videos waiting on waiting.id = uploads.video_id
        where waiting.status = 'queued' and waiting.deleted_at is null) as "oldestSeconds"
    from videos
    where status in ('queued', 'processing') and deleted_at is null`.execute(db)
  const [row] = rows
  if (!row) throw new Error('an aggregate without a row')
  return row
}
