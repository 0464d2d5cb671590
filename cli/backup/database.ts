// The database that a backup is taken from or restored into: the one that DATABASE_URL names, or the
// embedded one, which is started for as long as it is needed when nothing else runs it.
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '#config'
import { takeLock } from '../lock.ts'
import { startPostgres } from '../postgres.ts'
import { type Say, Sentence } from '../say.ts'

interface Options {
  config: Config
  say: Say
  /** nothing else may run on this DATA_DIR meanwhile; a new database is made where there is none */
  alone: boolean
}

/** @throws Sentence when it must be alone and is not */
export async function withDatabase<T>(
  { config, say, alone }: Options,
  use: (databaseUrl: string) => Promise<T>,
): Promise<T> {
  // What config has beside this is the address of an embedded one, perhaps of an earlier run.
  const given = process.env.DATABASE_URL
  if (given && !alone) return use(given)
  await using closing = new AsyncDisposableStack()
  const lock = await takeLock(config.dataDir).catch(error => {
    if (alone || !config.databaseUrl || !(error instanceof Sentence)) throw error
    return null // quickstart has it: its Postgres is up
  })
  if (!lock && config.databaseUrl) return use(config.databaseUrl)
  closing.defer(async () => lock?.release())
  if (given) return await use(given)
  if (!alone && !existsSync(path.join(config.dataDir, 'postgres')))
    throw new Sentence(`There is no database in ${config.dataDir}: set DATA_DIR or DATABASE_URL.`)
  const postgres = await startPostgres(config.dataDir, say)
  closing.defer(() => postgres.stop())
  return await use(postgres.url)
}
