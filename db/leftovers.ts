// What the disk need not hold any more: files and scratch of attempts that did not win, sources that
// the operator does not keep. Must not know where files are.
import { type RawBuilder, sql } from 'kysely'
import type { Db, Trx } from './client.ts'
import { liveJob } from './heal.ts'
import { isMissing } from './missing.ts'

/** Attempts that ended without winning: whatever stands under their tokens is rubbish. */
export async function unsweptAttempts(db: Db): Promise<{ token: string; videoId: string }[]> {
  const rows = await db
    .selectFrom('attempts')
    .select(['token', 'video_id'])
    .where('swept_at', 'is', null)
    .where('outcome', 'not in', ['running', 'won'])
    // A frozen worker that wakes has this long to notice that its token is void.
    .where('ended_at', '<', sql<Date>`now() - interval '1 minute'`)
    // What grew until its worker died is played on until another takes its place.
    .where(sql<boolean>`not exists (${publicationsOf(sql.ref('attempts.token'))} and state = 'ready')`)
    .orderBy('ended_at')
    .limit(500)
    .execute()
  return rows.map(row => ({ token: row.token, videoId: row.video_id }))
}

/** Somebody may have begun to watch just before a newer publication came. */
const PLAYED_ON_FOR = sql`interval '6 hours'`

/** Publications that are played from, or were until a while ago, and name something of an attempt, or its lack. */
function publicationsOf(token: RawBuilder<unknown>) {
  return sql`
    select from renditions
    join publication_renditions on rendition_id = renditions.id
    join publications on publications.id = publication_id
    where renditions.token = ${token}
      and (superseded_at is null or superseded_at > now() - ${PLAYED_ON_FOR})`
}

export interface Superseded {
  publicationId: string
  videoId: string
  /** of attempts that no publication needs any more, be it to say what it lacks */
  tokens: string[]
}

/** Publications that nobody watches any more. Index: publications_unswept. */
export async function unsweptPublications(db: Db): Promise<Superseded[]> {
  const { rows } = await sql<Superseded>`
    select publications.id as "publicationId", video_id as "videoId", array(
      select distinct made.token from publication_renditions join renditions as made on made.id = rendition_id
      where publication_id = publications.id and not exists (${publicationsOf(sql.ref('made.token'))})
    ) as tokens
    from publications
    where superseded_at < now() - ${PLAYED_ON_FOR} and swept_at is null
    order by superseded_at
    limit 500`.execute(db)
  return rows
}

/** After the files of `tokens` are gone. */
export async function forgetSuperseded(trx: Trx, { publicationId, tokens }: Superseded): Promise<void> {
  await trx
    .updateTable('publications')
    .set({ swept_at: sql<Date>`now()` })
    .where('id', '=', publicationId)
    .execute()
  if (tokens.length === 0) return
  await trx.deleteFrom('renditions').where('token', 'in', tokens).execute()
  await trx.updateTable('attempts').set({ swept_at: sql<Date>`now()` }).where('token', 'in', tokens).execute()
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
  return (
    db
      .selectFrom('videos')
      .where('status', '=', 'ready')
      .where('source_removed_at', 'is', null)
      .where('deleted_at', 'is', null)
      .where('ready_at', '<=', sql<Date>`now() - ${days}::float8 * interval '1 day'`)
      .where(
        sql<boolean>`not exists (
        select from attempts where attempts.video_id = videos.id and outcome = 'running')`,
      )
      // What is missing can be made of it one day.
      .where(
        sql<boolean>`not exists (
        select from publication_renditions join renditions on renditions.id = rendition_id
        where publication_renditions.publication_id = videos.publication_id and ${isMissing()})`,
      )
      // Captions are read from it after the ladder.
      .where(sql<boolean>`(coalesce(facts -> 'captions', '[]') = '[]' or not exists (${liveJob(['extra'])}))`)
  )
}
