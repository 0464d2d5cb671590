// The database, its queues and who works on them.
import path from 'node:path'
import { sql } from 'kysely'
import { ConfigError, requireDatabaseUrl } from '#config'
import { missingQueues, startBoss } from '#db/boss.ts'
import { requireConnection } from '#db/client.ts'
import { stalledQueues } from '#db/invariants.ts'
import { appliedMigrations, knownMigrations, outdatedPostgres, pendingMigrations } from '#db/migrate.ts'
import { readHealth } from '#db/workers.ts'
import { root } from '../project.ts'
import type { Breach, Context } from './examine.ts'

const skewLimitMilliseconds = 2_000
const stalledAfterSeconds = 300

export async function unreachable({ config }: Context): Promise<Breach[]> {
  try {
    await requireConnection(requireDatabaseUrl(config))
    return []
  } catch (error) {
    if (error instanceof ConfigError) return broken(error.message)
    throw error
  }
}

export async function outdated({ db }: Context): Promise<Breach[]> {
  const version = await outdatedPostgres(db)
  return version === null
    ? []
    : broken(`This is Postgres ${version}, and pgreel needs 15 or newer: upgrade the server.`)
}

export async function unmigrated({ db }: Context): Promise<Breach[]> {
  const pending = await pendingMigrations(db, path.join(root, 'db'))
  if (pending.length > 0) return broken(`The database lacks ${pending.join(', ')}: run \`pnpm migrate\`.`)
  const known = new Set(await knownMigrations())
  const unknown = (await appliedMigrations(db)).filter(name => !known.has(name))
  if (unknown.length === 0) return []
  return broken(`The database has ${unknown.join(', ')}, of a newer pgreel: run that version.`)
}

/** Asked as the web process does at its start: where pg-boss's schema is of another version, it says so. */
export async function lackingQueues({ config }: Context): Promise<Breach[]> {
  try {
    const url = config.databaseUrl ?? ''
    const boss = await startBoss({ url, name: 'pgreel-doctor', works: false, onError: () => {} })
    const missing = await missingQueues(boss).finally(() => boss.stop({ graceful: false }))
    return missing.length > 0 ? broken(`There is no queue ${missing.join(', ')}: run \`pnpm migrate\`.`) : []
  } catch (error) {
    return broken(`The queues cannot be used (${(error as Error).message}): run \`pnpm migrate\`.`)
  }
}

export async function skewed({ db, now }: Context): Promise<Breach[]> {
  const before = now()
  const { rows } = await sql<{ milliseconds: number }>`
    select extract(epoch from clock_timestamp())::float8 * 1000 as milliseconds`.execute(db)
  const halfWay = (now() - before) / 2
  const skew = before + halfWay - (rows[0]?.milliseconds ?? 0)
  // The answer's way here is uncertain by as much as it took.
  if (Math.abs(skew) <= skewLimitMilliseconds + halfWay) return []
  const seconds = Math.abs(skew / 1000).toFixed(1)
  return broken(
    `This machine's clock is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the database's: synchronise both (NTP).`,
  )
}

export async function noWorker({ db }: Context): Promise<Breach[]> {
  const { workersAlive, queued } = await readHealth(db)
  const waiting = queued > 0 ? ` and ${queued === 1 ? 'a video waits' : `${queued} videos wait`}` : ''
  return workersAlive > 0 ? [] : broken(`No worker is alive${waiting}: start one with \`pnpm worker\`.`)
}

export async function stalled({ db }: Context): Promise<Breach[]> {
  return (await stalledQueues(db, stalledAfterSeconds)).map(({ name, seconds }) => ({
    subject: name,
    message: `A job in the queue ${name} has waited for ${Math.floor(seconds / 60)} minutes and no worker has one of them: restart the workers.`,
  }))
}

function broken(message: string): Breach[] {
  return [{ subject: '', message }]
}
