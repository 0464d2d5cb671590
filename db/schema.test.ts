// The schema is what db/schema.sql says, and migrations that were released never change.
// `UPDATE_SCHEMA=1 node_modules/.bin/vitest run db/schema` rewrites schema.sql and freezes new
// migrations; it never changes the hash of a frozen one.
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createEmptyDatabase, createTestDatabase } from '#test/database.ts'
import { dumpSchema } from '#test/dump-schema.ts'
import { openDatabase } from './client.ts'
import { jobNames } from './jobs.ts'
import { migrate, pendingMigrations } from './migrate.ts'

const schemaFile = path.join(import.meta.dirname, 'schema.sql')
const migrationsFolder = path.join(import.meta.dirname, 'migrations')
const frozenFile = path.join(migrationsFolder, 'frozen.json')
const isUpdate = process.env.UPDATE_SCHEMA === '1'

const { db } = await createTestDatabase()

describe('the schema', () => {
  test('is the one in db/schema.sql', async () => {
    const dump = await dumpSchema(db)
    if (isUpdate) await writeFile(schemaFile, dump)
    expect(dump, 'run UPDATE_SCHEMA=1 node_modules/.bin/vitest run db/schema').toBe(
      await readFile(schemaFile, 'utf8'),
    )
  })

  test('is the same when two processes migrate an empty database at once, and a third again', async () => {
    const url = await createEmptyDatabase()
    const db = openDatabase(url, 'pgreel-test', () => {})
    try {
      expect(await pendingMigrations(db, import.meta.dirname)).not.toEqual([])
      const applied = (await Promise.all([migrate(url), migrate(url)])).flat()
      const files = (await migrationFiles()).map(file => path.basename(file, '.sql'))
      expect(applied.sort()).toEqual(files)
      expect(await migrate(url)).toEqual([])
      expect(await pendingMigrations(db, import.meta.dirname)).toEqual([])
      expect(await dumpSchema(db)).toBe(await readFile(schemaFile, 'utf8'))
      const { rows } = await sql<{ name: string }>`select name from pgboss.queue`.execute(db)
      expect(rows.map(row => row.name)).toEqual(expect.arrayContaining(jobNames))
    } finally {
      await db.destroy()
    }
  })
})

describe('migrations', () => {
  test('that are frozen never change', async () => {
    const hashes = Object.fromEntries(
      await Promise.all(
        (await migrationFiles()).map(async file => {
          const text = await readFile(path.join(migrationsFolder, file))
          return [file, createHash('sha256').update(text).digest('hex')]
        }),
      ),
    )
    const frozen: Record<string, string> = JSON.parse(await readFile(frozenFile, 'utf8'))
    if (isUpdate) await writeFile(frozenFile, `${JSON.stringify({ ...hashes, ...frozen }, null, 2)}\n`)
    else
      expect(
        hashes,
        'A migration that databases out there have run was changed: undo that and add a new file beside it. (A new file is frozen with UPDATE_SCHEMA=1 node_modules/.bin/vitest run db/schema.)',
      ).toEqual(frozen)
  })
})

async function migrationFiles(): Promise<string[]> {
  return (await readdir(migrationsFolder)).filter(name => name.endsWith('.sql')).sort()
}
