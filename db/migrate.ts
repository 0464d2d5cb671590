// Forward-only migrations: the files in migrations/, in order of name, then pg-boss's own schema and
// the queues of the catalogue.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { ConfigError } from '#config'
import { migrateBoss } from './boss.ts'
import { type Db, openDatabase, requireConnection } from './client.ts'

const OLDEST_POSTGRES = 15

/**
 * Brings a database up to date; safe to run by several processes at once and again.
 * @returns the names of the migrations that were applied
 * @throws ConfigError when there is no such database, or it is too old
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  await requireConnection(databaseUrl)
  const db = openDatabase(databaseUrl, 'pgreel-migrate', () => {})
  try {
    await requirePostgresVersion(db)
    const { error, results = [] } = await migrator(db, import.meta.dirname).migrateToLatest()
    if (error) throw error
    await migrateBoss(databaseUrl)
    return results.map(result => result.migrationName)
  } finally {
    await db.destroy()
  }
}

/** @param folder the `db` folder: the web process is bundled and cannot find it by itself */
export async function pendingMigrations(db: Db, folder: string): Promise<string[]> {
  const all = await migrator(db, folder).getMigrations()
  return all.filter(migration => !migration.executedAt).map(migration => migration.name)
}

/** The names that a database has run, in order; none in one without any table. */
export async function appliedMigrations(db: Db): Promise<string[]> {
  const { rows } = await sql<{ exists: boolean }>`
    select to_regclass('public.kysely_migration') is not null as exists`.execute(db)
  if (!rows[0]?.exists) return []
  const applied = await sql<{ name: string }>`
    select name from public.kysely_migration order by name`.execute(db)
  return applied.rows.map(row => row.name)
}

/** The names that this version knows, in order. */
export async function knownMigrations(): Promise<string[]> {
  return Object.keys(await readMigrations(path.join(import.meta.dirname, 'migrations')))
}

/** Brings our tables (not pg-boss's) to `name`, or to the newest; takes part in a transaction. */
export async function migrateTables(db: Db, name?: string): Promise<void> {
  const own = migrator(db, import.meta.dirname)
  const { error } = await (name ? own.migrateTo(name) : own.migrateToLatest())
  if (error) throw error
}

function migrator(db: Db, folder: string): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: () => readMigrations(path.join(folder, 'migrations')) },
  })
}

async function readMigrations(folder: string): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {}
  for (const file of (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()) {
    const text = await readFile(path.join(folder, file), 'utf8')
    migrations[path.basename(file, '.sql')] = {
      up: async db => {
        await sql.raw(text).execute(db)
      },
    }
  }
  return migrations
}

/** Null when the server is new enough, else its major version. */
export async function outdatedPostgres(db: Db): Promise<number | null> {
  const { rows } = await sql<{
    version: string
  }>`select current_setting('server_version_num') as version`.execute(db)
  const major = Math.floor(Number(rows[0]?.version) / 10_000)
  return major < OLDEST_POSTGRES ? major : null
}

export async function requirePostgresVersion(db: Db): Promise<void> {
  const outdated = await outdatedPostgres(db)
  if (outdated !== null)
    throw new ConfigError(`pgreel needs Postgres ${OLDEST_POSTGRES} or newer; this server is ${outdated}.`)
}
