// Forward-only migrations: the files in migrations/, in order of name, then pg-boss's own schema and
// the queues of the catalogue.
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { ConfigError } from '#config'
import { migrateBoss } from './boss.ts'
import { type Db, openDatabase, requireConnection } from './client.ts'

const OLDEST_POSTGRES = 150000

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

async function requirePostgresVersion(db: Db): Promise<void> {
  const { rows } = await sql<{
    version: string
  }>`select current_setting('server_version_num') as version`.execute(db)
  if (Number(rows[0]?.version) < OLDEST_POSTGRES) {
    throw new ConfigError(`pgreel needs Postgres 15 or newer; this server is ${rows[0]?.version}.`)
  }
}
