// One throw-away Postgres for the whole run, with a migrated template: each stack has a copy of it.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startPostgres } from '#cli/postgres.ts'
import { migrate } from '#db/migrate.ts'
import { createDatabase as createOn } from '#test/databases.ts'

export default async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-e2e-'))
  // Postgres may run as another user than the tests.
  await chmod(folder, 0o711)
  const postgres = await startPostgres(folder, () => {}, { throwaway: true })
  await migrate(postgres.url)
  // What a global setup sets here, the workers have.
  process.env.E2E_TEMPLATE_URL = postgres.url
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param template `template0` for one without a table */
export async function createDatabase(template = 'pgreel') {
  return createOn(new URL(process.env.E2E_TEMPLATE_URL ?? ''), template)
}
