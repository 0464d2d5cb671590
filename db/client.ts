// The connection to Postgres. Must not know any table's meaning.
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { ConfigError } from '#config'
import type { Database } from './schema.ts'

export type Db = Kysely<Database>
export type Trx = Transaction<Database>

const BIGINT = 20
const CONNECT_WITHIN_MS = 10_000

/** What a driver's connection makes of a column. */
export const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === BIGINT ? Number : pg.types.getTypeParser(oid, format),
}

/**
 * Opens a pool. Connections that Postgres drops are replaced on next use; `onError` hears of them.
 * @param name shown in pg_stat_activity
 * @param settings how many connections at most, how long to wait for one, and what each of them begins with
 */
export function openDatabase(
  url: string,
  name: string,
  onError: (error: Error) => void,
  settings: Pick<pg.PoolConfig, 'max' | 'options' | 'connectionTimeoutMillis'> = {},
): Db {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: 10,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    types,
    ...settings,
  })
  outliveConnections(pool, onError)
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * A connection that breaks without a listener ends the whole process. The pool listens only while one is
 * idle; who uses one hears of its end by the next answer, in a transaction's pauses too.
 */
export function outliveConnections(pool: pg.Pool, onIdleError: (error: Error) => void): void {
  pool.on('error', onIdleError)
  pool.on('connect', client => client.on('error', () => {}))
}

/**
 * For the start of a process: a database that cannot be reached is one sentence, not a stack.
 * @throws ConfigError saying where it was looked for, why that failed and what to do
 */
export async function requireConnection(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_WITHIN_MS })
  // Without a listener a connection that breaks ends the process; `connect` rejects anyway.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    // A name with several addresses gives an error without a message.
    throw new ConfigError(
      `No connection to Postgres at ${client.host}:${client.port} (${message || code}): start it there, or set DATABASE_URL to the right address, user and password.`,
    )
  } finally {
    await client.end()
  }
}

// SQLSTATE classes: connection exceptions, insufficient resources, operator intervention; a lock or a
// transaction that took longer than it may (db/room.ts).
const AWAY_SQLSTATE = /^((08|53|57)[0-9A-Z]{3}|55P03|25P03)$/
const AWAY_ERRNO = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]
const CONNECTION_GONE =
  /connection terminated|timeout exceeded when trying to connect|connection ended|is not queryable/i

/** Whether an error says that the database does not answer now, and may soon. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  return AWAY_SQLSTATE.test(code) || AWAY_ERRNO.includes(code) || CONNECTION_GONE.test(error.message)
}
