// One connection for a task, instead of a pool for a process.
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { type Db, outliveConnections, types } from './client.ts'
import type { Database } from './schema.ts'

/**
 * One connection, also as `pg` has it: COPY is more than Kysely knows.
 * @param signal hangs up, whatever is being waited for
 */
export async function withConnection<T>(
  url: string,
  name: string,
  signal: AbortSignal,
  use: (db: Db, client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: url, application_name: name, max: 1, types })
  outliveConnections(pool, () => {}) // whatever is asked on it next is rejected
  const connected = new Promise<pg.PoolClient>(resolve => pool.once('connect', resolve))
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await db.connection().execute(async one => {
      const client = await connected
      const hangUp = () => client instanceof pg.Client && void client.end()
      signal.addEventListener('abort', hangUp)
      try {
        return await use(one, client)
      } finally {
        signal.removeEventListener('abort', hangUp)
      }
    })
  } finally {
    await db.destroy()
  }
}
