// Which storage this database belongs to: a worker that sees other files than the web would turn
// every job into "source not found", so both compare at start.
import type { Db } from './client.ts'

/**
 * Remembers the first storage that ever met this database.
 * @returns whether `storageId` is that storage
 */
export async function isOurStorage(db: Db, storageId: string): Promise<boolean> {
  await db
    .insertInto('installation')
    .values({ storage_id: storageId })
    .onConflict(conflict => conflict.doNothing())
    .execute()
  const row = await db.selectFrom('installation').select('storage_id').executeTakeFirstOrThrow()
  return row.storage_id === storageId
}

/** What viewers' cookies are signed with; of an installation that has met its storage. */
export async function readViewerSecret(db: Db): Promise<string> {
  const row = await db.selectFrom('installation').select('viewer_secret').executeTakeFirstOrThrow()
  return row.viewer_secret
}

/** Since when; null before any process met it. */
export async function ourTime(db: Db): Promise<Date | null> {
  const row = await db.selectFrom('installation').select('created_at').executeTakeFirst()
  return row?.created_at ?? null
}

/** The storage that this database remembers; null before any process met it. */
export async function rememberedStorage(db: Db): Promise<string | null> {
  const row = await db.selectFrom('installation').select('storage_id').executeTakeFirst()
  return row?.storage_id ?? null
}
