// Disk that is promised though it is not written yet.
import { sql } from 'kysely'
import type { Db, Trx } from './client.ts'

/** Held to the end of the transaction: two that each fit alone may not fit together. */
export async function lockAdmission(trx: Trx): Promise<void> {
  // A process that is frozen while it holds this would stop every upload and all work.
  await sql`set local idle_in_transaction_session_timeout = '10s'`.execute(trx)
  await sql`set local lock_timeout = '5s'`.execute(trx)
  await sql`select pg_advisory_xact_lock(hashtext('pgreel admission'))`.execute(trx)
}

/**
 * In bytes: what open uploads have still to send, and what running attempts may write. (What of that is
 * written already counts twice, as the disk has it too: rather too careful than full.)
 */
export async function promisedBytes(db: Db): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select (
      (select coalesce(sum(length - received), 0) from uploads where finished_at is null)
      + (select coalesce(sum(bytes_expected), 0) from attempts where outcome = 'running')
    )::bigint as bytes`.execute(db)
  return rows[0]?.bytes ?? 0
}

// What plays first may be a copy of its source, and a little more (worker/room.ts, firstNeeds).
const PLAYS_FIRST = 1.05

/**
 * In bytes: what uploads that are let in, and have nothing to play yet, need to be played beside their
 * own bytes. Whoever is let in would else wait for a disk that is full of sources.
 */
export async function awaitedBytes(db: Db): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce(ceil(sum(source_bytes) * ${PLAYS_FIRST}), 0)::bigint as bytes
    from videos
    where status in ('uploading', 'queued', 'processing')
      and publication_id is null
      and deleted_at is null
      and not exists (
        select from attempts where video_id = videos.id and outcome = 'running')`.execute(db)
  return rows[0]?.bytes ?? 0
}

/** What an upload of so many bytes needs, to come and to play. */
export function roomFor(lengthBytes: number): number {
  return lengthBytes + Math.ceil(lengthBytes * PLAYS_FIRST)
}
