// Rows as streams of COPY text, and back: what backups are made of. Knows no table by name but two,
// so that a new migration's tables are in the next backup. Must not know: where the streams go.
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import pg from 'pg'
import { type CopyToStreamQuery, from, to } from 'pg-copy-streams'
import type { Db, Trx } from './client.ts'

// Who was alive then, who sent how much, who watched in that half hour, and which storage that was: none is true of another place or time.
const NOT_KEPT = ['workers', 'upload_rates', 'views', 'installation']

export interface Table {
  name: string
  columns: string[]
}

/** The tables that make up the library, in `public`; pg-boss's are elsewhere: heal.ts makes jobs anew. */
export async function libraryTables(db: Db): Promise<Table[]> {
  const { rows } = await sql<Table>`
    select relname as name, array_agg(attname::text order by attnum) as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relkind = 'r' and relnamespace = 'public'::regnamespace
      and relname not like 'kysely\\_%' and relname not in (${sql.join(NOT_KEPT)})
      and attnum > 0 and not attisdropped and attgenerated = ''
      and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
    group by relname
    order by relname`.execute(db)
  return rows
}

/** Every query of `use` sees one and the same moment, however long it takes, and can change nothing. */
export function inSnapshot<T>(db: Db, use: (trx: Trx) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(use)
}

/** Has `rowCount` when it has ended. */
export function copyOut(client: pg.PoolClient, table: Table): CopyToStreamQuery {
  return client.query(to(`copy ${target(table)} to stdout`))
}

/** What one line of `copyMediaList` says. */
export interface KeptVideo {
  id: string
  source: {
    key: string
    /** of an upload that is under way: how much had come; whatever comes later is not of this moment */
    onlyBytes: number | null
    /** a ready video plays without it */
    isNeeded: boolean
  }
  /** what the video and its current publication name */
  keys: string[]
}

/** One line of JSON for each video whose files are worth keeping: a deleted one's are not. */
export function copyMediaList(client: pg.PoolClient): Readable {
  return client.query(
    to(`copy (
      select json_build_object(
        'id', videos.id,
        'source', json_build_object(
          'key', source_key,
          'onlyBytes', case when finished_at is null then received end,
          'isNeeded', status <> 'ready'),
        'keys', array_remove(array[url_hls, url_mp4, thumbnail, master_key] || array(
          select key from publication_renditions join renditions on renditions.id = rendition_id
          where publication_renditions.publication_id = publications.id and state = 'ready' and complete), null))
      from videos
      left join uploads on uploads.video_id = videos.id
      left join publications on publications.id = videos.publication_id
      where deleted_at is null
      order by videos.id
    ) to stdout`),
  )
}

/** Which of these have been deleted since, or were uploads that ended. */
export async function goneVideos(db: Db, ids: string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from unnest(${ids}::uuid[]) as given(id)
    where not exists (select from videos where videos.id = given.id and deleted_at is null)`.execute(db)
  return rows.map(row => row.id)
}

/**
 * Fills empty tables as they were. Foreign keys go round in a circle, so they are taken off and put
 * on again, which checks every row; our triggers judge changes, not what has been.
 * @param open the rows of a table, as `copyOut` gave them
 * @returns how many rows each table got
 */
export async function loadTables(
  trx: Trx,
  client: pg.PoolClient,
  tables: Table[],
  open: (table: Table) => Readable,
): Promise<Map<string, number>> {
  const { rows: keys } = await sql<{ table: string; name: string; definition: string }>`
    select relname as table, conname as name, pg_get_constraintdef(pg_constraint.oid) as definition
    from pg_constraint join pg_class on pg_class.oid = conrelid
    where contype = 'f' and relnamespace = 'public'::regnamespace`.execute(trx)
  const run = (statement: string) => sql.raw(statement).execute(trx)
  for (const key of keys) await run(`alter table ${quote(key.table)} drop constraint ${quote(key.name)}`)
  const loaded = new Map<string, number>()
  for (const table of tables) {
    await run(`alter table ${quote(table.name)} disable trigger user`)
    const into = client.query(from(`copy ${target(table)} from stdin`))
    await pipeline(open(table), into)
    loaded.set(table.name, into.rowCount)
    await run(`alter table ${quote(table.name)} enable trigger user`)
  }
  for (const key of keys)
    await run(`alter table ${quote(key.table)} add constraint ${quote(key.name)} ${key.definition}`)
  // Until the server comes round to it by itself, large tables would be read as if they were small.
  for (const { name } of tables) await run(`analyze ${quote(name)}`)
  await continueSequences(trx)
  return loaded
}

/** COPY keeps the numbers it is given and does not move what makes the next. */
async function continueSequences(trx: Trx): Promise<void> {
  const { rows } = await sql<{ table: string; column: string }>`
    select relname as table, attname as column
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'public'::regnamespace and attidentity <> ''`.execute(trx)
  for (const { table, column } of rows) {
    const [id, name] = [sql.id(column), sql.id('public', table)]
    await sql`select setval(pg_get_serial_sequence(${`public.${quote(table)}`}, ${column}), max(${id})) from ${name}`.execute(
      trx,
    )
  }
}

function target({ name, columns }: Table): string {
  return `public.${quote(name)} (${columns.map(quote).join(', ')})`
}

const quote = pg.escapeIdentifier
