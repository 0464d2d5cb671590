// Uploads: what tus needs to know between two requests, and the moment a video is queued.
// Must not know: HTTP, or where the bytes are.
import { sql } from 'kysely'
import { type Boss, send } from './boss.ts'
import type { Db, Trx } from './client.ts'

/** An upload that gets no byte for this long is removed. */
export const UPLOAD_EXPIRES_AFTER_MS = 24 * 3600 * 1000

export interface NewUpload {
  id: string
  title: string
  /** bytes, as declared by the client */
  length: number
  sourceKey: string
  metadata: Record<string, string | null>
}

export async function createUpload(trx: Trx, upload: NewUpload): Promise<void> {
  await trx
    .insertInto('videos')
    .values({
      id: upload.id,
      title: upload.title,
      source_key: upload.sourceKey,
      source_bytes: upload.length,
    })
    .execute()
  await trx
    .insertInto('uploads')
    .values({
      video_id: upload.id,
      length: upload.length,
      metadata: JSON.stringify(upload.metadata),
      expires_at: expiry(),
    })
    .execute()
}

export interface OpenUpload {
  length: number
  metadata: Record<string, string | null>
  lastByteAt: Date
  expiresAt: Date
  isFinished: boolean
}

/** Null when there is none, or its video was deleted or cancelled. */
export async function findUpload(db: Db, id: string): Promise<OpenUpload | null> {
  const row = await db
    .selectFrom('uploads')
    .innerJoin('videos', 'videos.id', 'uploads.video_id')
    .select(['length', 'metadata', 'last_byte_at', 'expires_at', 'finished_at'])
    .where('video_id', '=', id)
    .where('deleted_at', 'is', null)
    .where('status', '<>', 'cancelled')
    .executeTakeFirst()
  if (!row) return null
  return {
    length: row.length,
    metadata: row.metadata,
    lastByteAt: row.last_byte_at,
    expiresAt: row.expires_at,
    isFinished: row.finished_at !== null,
  }
}

/** Notes that bytes came: the upload lives for another day. */
export async function touchUpload(db: Db, id: string, received: number): Promise<void> {
  await db
    .updateTable('uploads')
    .set({ received, last_byte_at: sql<Date>`now()`, expires_at: expiry() })
    .where('video_id', '=', id)
    .where('finished_at', 'is', null)
    .execute()
}

/**
 * The last byte is on disk: the video is queued and its job exists, or neither. Called again, by
 * an empty PATCH, a HEAD or the sweep, it changes nothing.
 * @param requestId of the request that brought the last byte
 * @returns whether this call was the one
 */
export async function enqueueUpload(trx: Trx, boss: Boss, id: string, requestId?: string): Promise<boolean> {
  // The video before its upload, as a removal takes them: the other way round is a deadlock.
  await trx.selectFrom('videos').select('id').where('id', '=', id).forUpdate().execute()
  const finished = await trx
    .updateTable('uploads')
    .set({ finished_at: sql<Date>`now()`, last_byte_at: sql<Date>`now()`, received: sql<number>`length` })
    .where('video_id', '=', id)
    .where('finished_at', 'is', null)
    .returning('video_id')
    .executeTakeFirst()
  if (!finished) return false
  await trx.insertInto('events').values({ video_id: id, stage: 'received' }).execute()
  const queued = await trx
    .updateTable('videos')
    .set({ status: 'queued', stage: 'queued' })
    .where('id', '=', id)
    .where('status', '=', 'uploading')
    .where('deleted_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  if (!queued) return false
  await send(trx, boss, 'first', { videoId: id, requestId })
  return true
}

/** Ends an upload before its last byte. @returns false when it is finished or unknown */
export async function removeOpenUpload(db: Db, id: string): Promise<boolean> {
  const removed = await db
    .deleteFrom('videos')
    .where('id', '=', id)
    .where('status', 'in', ['uploading', 'cancelled'])
    .where(eb =>
      eb.exists(
        eb
          .selectFrom('uploads')
          .select('video_id')
          .whereRef('uploads.video_id', '=', 'videos.id')
          .where('finished_at', 'is', null),
      ),
    )
    .returning('id')
    .executeTakeFirst()
  return removed !== undefined
}

/** Uploads that still wait for bytes, the liveliest first; the sweep compares their files with `length`. */
export async function openUploads(db: Db): Promise<{ id: string; length: number }[]> {
  return db
    .selectFrom('uploads')
    .select(['video_id as id', 'length'])
    .where('finished_at', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('last_byte_at', 'desc')
    .limit(1000)
    .execute()
}

export async function expiredUploads(db: Db): Promise<{ id: string; length: number }[]> {
  return db
    .selectFrom('uploads')
    .select(['video_id as id', 'length'])
    .where('finished_at', 'is', null)
    .where('expires_at', '<', sql<Date>`now()`)
    .orderBy('expires_at')
    .limit(500)
    .execute()
}

/**
 * Locks an upload that has expired and removes its rows; bytes that arrive now wait for the end of the
 * transaction, and then have nowhere to go. The caller removes the file before it commits.
 * @returns false when it lives after all
 */
export async function removeExpiredUpload(trx: Trx, id: string): Promise<boolean> {
  await trx.selectFrom('videos').select('id').where('id', '=', id).forUpdate().execute()
  const expired = await trx
    .selectFrom('uploads')
    .select('video_id')
    .where('video_id', '=', id)
    .where('finished_at', 'is', null)
    .where('expires_at', '<', sql<Date>`now()`)
    .forUpdate()
    .executeTakeFirst()
  return expired !== undefined && removeOpenUpload(trx, id)
}

function expiry() {
  return sql<Date>`now() + ${UPLOAD_EXPIRES_AFTER_MS} * interval '1 millisecond'`
}
