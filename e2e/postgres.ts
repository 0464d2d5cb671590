// One throw-away Postgres for the whole run, with a migrated template: each stack has a copy of it.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startPostgres } from '#cli/postgres.ts'
import { migrate } from '#db/migrate.ts'

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
  const name = `e2e_${crypto.randomUUID().replaceAll('-', '')}`
  const url = new URL(process.env.E2E_TEMPLATE_URL ?? '')
  await asAdmin(url, `create database ${name} template ${template}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: own.href, stop: () => asAdmin(url, `drop database ${name} with (force)`) }
}

async function asAdmin(server: URL, statement: string): Promise<void> {
  const admin = new URL(server)
  admin.pathname = '/postgres'
  const client = new pg.Client({ connectionString: admin.href })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
