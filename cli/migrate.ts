// `pnpm migrate`: brings the database up to date.
import path from 'node:path'
import { loadConfig, requireDatabaseUrl } from '#config'
import { migrate } from '#db/migrate.ts'
import { fail } from './say.ts'

try {
  const config = loadConfig(path.resolve(import.meta.dirname, '..'))
  const applied = await migrate(requireDatabaseUrl(config))
  for (const name of applied) console.log(`Applied ${name}`)
  console.log(applied.length === 0 ? 'The database is up to date.' : `${applied.length} applied.`)
} catch (error) {
  fail(error)
}
