// The connection to Postgres. Must not know any table's meaning.
import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import type { Database } from './schema.ts'

export type Db = Kysely<Database>
export type Trx = Transaction<Database>

const BIGINT = 20

/**
 * Opens a pool. Connections that Postgres drops are replaced on next use; `onError` hears of them.
 * @param name shown in pg_stat_activity
 */
export function openDatabase(url: string, name: string, onError: (error: Error) => void): Db {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max: 10,
    connectionTimeoutMillis: 10_000,
    types: {
      getTypeParser: (oid, format) => (oid === BIGINT ? Number : pg.types.getTypeParser(oid, format)),
    },
  })
  // Without a listener a connection that dies while idle ends the whole process.
  pool.on('error', onError)
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
}
