// What a running attempt tells while it works. One that no longer runs can say nothing.
import { sql } from 'kysely'
import type { Attempt } from './attempts.ts'
import type { Db } from './client.ts'

/** Says where the work is. @returns false when the attempt is no longer the one that may say so */
export async function report(
  db: Db,
  { token, videoId }: Attempt,
  { stage, progress }: { stage: string; progress: number },
): Promise<boolean> {
  const updated = await db
    .updateTable('videos')
    .set({ stage, progress, progress_at: sql<Date>`now()` })
    .where('id', '=', videoId)
    .where('status', '=', 'processing')
    .where('deleted_at', 'is', null)
    .where(isRunning(token))
    .returning('id')
    .executeTakeFirst()
  if (updated) return true
  // What is added to a video that is ready has no progress of its own.
  const ready = await db
    .selectFrom('videos')
    .select('id')
    .where('id', '=', videoId)
    .where('status', '=', 'ready')
    .where('deleted_at', 'is', null)
    .where(isRunning(token))
    .executeTakeFirst()
  return ready !== undefined
}

/** Stores what the probe found; nothing decides by it until a publication exists. */
export async function saveFacts(
  db: Db,
  { videoId, token }: Attempt,
  facts: { json: unknown; width: number; height: number } & Record<'durationSeconds' | 'work', number | null>,
): Promise<void> {
  await db
    .updateTable('videos')
    .set({
      facts: JSON.stringify(facts.json),
      duration_ms:
        facts.durationSeconds === null ? null : Math.max(1, Math.round(facts.durationSeconds * 1000)),
      width: facts.width,
      height: facts.height,
      work: facts.work,
    })
    .where('id', '=', videoId)
    .where(isRunning(token))
    .execute()
}

function isRunning(token: string) {
  return sql<boolean>`exists (select from attempts where token = ${token} and outcome = 'running')`
}
