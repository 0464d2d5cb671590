// Writes the schema `public` as text, from pg_catalog (embedded Postgres has no pg_dump): sorted and
// the same on every server, so that a change of a migration shows as a diff of db/schema.sql.
import { sql } from 'kysely'
import type { Db } from '#db/client.ts'

const HEADER = `-- The schema as the migrations make it. Generated: do not edit.
-- After a new migration: UPDATE_SCHEMA=1 node_modules/.bin/vitest run db/schema
`

// Kysely's own: kysely_migration and kysely_migration_lock.
const OURS = sql`relnamespace = 'public'::regnamespace and relname not like 'kysely\\_%'`

export async function dumpSchema(db: Db): Promise<string> {
  const tables = await lines<{ name: string }>(
    db,
    sql`select relname as name from pg_class where relkind = 'r' and ${OURS}`,
    row => row.name,
  )
  const parts: string[] = []
  for (const table of tables) parts.push(await dumpTable(db, table))
  parts.push(...(await dumpFunctions(db)), ...(await dumpTriggers(db)), ...(await dumpOthers(db)))
  return `${HEADER}\n${parts.join('\n\n')}\n`
}

async function dumpTable(db: Db, table: string): Promise<string> {
  const ofTable = sql`(select oid from pg_class where relname = ${table} and ${OURS})`
  const { rows: columns } = await sql<{ line: string }>`
    select concat_ws(' ', attname, format_type(atttypid, atttypmod),
      case when attnotnull then 'not null' end,
      case when attidentity = 'a' then 'generated always as identity' end,
      case when attgenerated = 's' then 'generated always as ' || pg_get_expr(adbin, adrelid) || ' stored'
        else 'default ' || pg_get_expr(adbin, adrelid) end) as line
    from pg_attribute
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = ${ofTable} and attnum > 0 and not attisdropped
    order by attnum`.execute(db)
  const constraints = await lines<{ line: string }>(
    db,
    // From Postgres 18 on NOT NULL is a constraint as well; it stands with its column.
    sql`select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
      from pg_constraint where conrelid = ${ofTable} and contype <> 'n'`,
    row => row.line,
  )
  const indexes = await lines<{ line: string }>(
    db,
    sql`select pg_get_indexdef(indexrelid) as line from pg_index
      where indrelid = ${ofTable} and not exists (select from pg_constraint where conindid = indexrelid)`,
    row => `${row.line};`,
  )
  const body = [...columns.map(column => column.line), ...constraints].map(line => `  ${line}`).join(',\n')
  return [`create table ${table} (\n${body}\n);`, ...indexes].join('\n')
}

async function dumpFunctions(db: Db): Promise<string[]> {
  return lines<{ line: string }>(
    db,
    sql`select pg_get_functiondef(oid) as line from pg_proc
      where pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')`,
    row => `${row.line.trimEnd()};`,
  )
}

async function dumpTriggers(db: Db): Promise<string[]> {
  return lines<{ line: string }>(
    db,
    sql`select pg_get_triggerdef(pg_trigger.oid) as line
      from pg_trigger join pg_class on pg_class.oid = tgrelid
      where not tgisinternal and ${OURS}`,
    row => `${row.line};`,
  )
}

/** Kinds of things that no migration makes so far: named here, they cannot slip in unseen. */
async function dumpOthers(db: Db): Promise<string[]> {
  return lines<{ line: string }>(
    db,
    sql`select '-- ' || case relkind
        when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
        else 'relation of kind ' || relkind::text end || ' ' || relname as line
      from pg_class where relkind not in ('r', 'i', 't') and ${OURS}
      union all
      select '-- type ' || typname from pg_type
      where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r')`,
    row => row.line,
  )
}

/** Sorted here: the server's collation is not ours to choose. */
async function lines<Row>(
  db: Db,
  query: ReturnType<typeof sql>,
  toLine: (row: Row) => string,
): Promise<string[]> {
  const { rows } = await query.execute(db)
  return (rows as Row[]).map(toLine).sort((a, b) => (a < b ? -1 : 1))
}
