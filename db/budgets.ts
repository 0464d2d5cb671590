// Budgets: how often a kind of work is tried on a video before it is given up.
import { sql } from 'kysely'
import type { Trx } from './client.ts'
import type { JobName } from './jobs.ts'
import type { AttemptKind } from './schema.ts'

/** Work that attempts are made at; its job has the same name. */
export type Work = Extract<AttemptKind, JobName>

/** Whether it comes to what plays already, and whatever becomes of it, the video is as it was. */
export function isBeside(kind: Work): boolean {
  return kind === 'rung' || kind === 'extra' || kind === 'poster'
}

/** Tries by who is to blame; a clean hand-back costs none. */
const BUDGETS = { crashed: 10, world: 20, ours: 3 }

/** How often this kind of work crashed or failed on the video, to see whether a budget is used up. */
export async function spentBudget(trx: Trx, videoId: string, kind: Work): Promise<string | null> {
  const spent = await trx
    .selectFrom('attempts')
    .select([
      // One that still runs when its job is given out again is a dead worker's.
      sql<number>`count(*) filter (where outcome in ('crashed', 'running'))::int`.as('crashed'),
      sql<number>`count(*) filter (where outcome = 'failed' and cause = 'world')::int`.as('world'),
      sql<number>`count(*) filter (where outcome = 'failed' and cause = 'ours')::int`.as('ours'),
    ])
    .where('video_id', '=', videoId)
    .where('kind', '=', kind)
    // A retry asked for by a person starts a new count.
    .where('started_at', '>', lastRetry())
    .executeTakeFirstOrThrow()
  for (const cause of ['crashed', 'world', 'ours'] as const) {
    if (spent[cause] >= BUDGETS[cause]) return cause
  }
  return null
}

/** In a query over `attempts`: when a person last asked for it. */
export function lastRetry() {
  return sql<Date>`greatest('-infinity',
    (select max(at) from events
      where events.video_id = attempts.video_id and detail ->> 'retry' = 'true'),
    (select given_at from given_posters
      where given_posters.video_id = attempts.video_id and attempts.kind = 'poster'))`
}

/** In a query over `videos`: whether an extra may still be tried. A failure that is the video's is final. */
export function mayTryExtra() {
  return sql<boolean>`not exists (
    select from attempts
    where attempts.video_id = videos.id and kind = 'extra'
    having count(*) filter (where outcome in ('crashed', 'running')) >= ${BUDGETS.crashed}
      or count(*) filter (where outcome = 'failed' and cause = 'world') >= ${BUDGETS.world}
      or count(*) filter (where outcome = 'failed' and cause = 'ours') >= ${BUDGETS.ours}
      or bool_or(outcome = 'failed' and cause = 'video'))`
}
