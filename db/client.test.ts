import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, inject, onTestFinished, test } from 'vitest'
import { ConfigError } from '#config'
import { createEmptyDatabase } from '#test/database.ts'
import { type Db, isDatabaseAway, openDatabase, requireConnection } from './client.ts'
import { withConnection } from './connection.ts'

test.each([
  ['nothing listens there', { port: '1' }, /ECONNREFUSED/],
  ['the password is wrong', { password: 'wrong-secret' }, /password authentication failed/],
  ['there is no such database', { database: 'nosuch' }, /"nosuch" does not exist/],
])('when %s, a sentence names the server, and no password', async (_, change, reason) => {
  const url = new URL(inject('templateUrl'))
  if ('port' in change) url.port = change.port
  if ('password' in change) url.password = change.password
  if ('database' in change) url.pathname = change.database
  const error = await requireConnection(url.href).catch(error => error)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error.message).toMatch(reason)
  expect(error.message).toContain(`Postgres at 127.0.0.1:${url.port} (`)
  expect(error.message).toMatch(/set DATABASE_URL to .+\.$/)
  expect(error.message).not.toContain(url.password)
})

const pidOf = async (db: Db) =>
  (await sql<{ pid: number }>`select pg_backend_pid() pid`.execute(db)).rows[0]?.pid

// What a restart of Postgres does to every connection, whatever its user does at that moment.
test('a connection ended while it is used fails its use alone: the process and the pool live on', async () => {
  // Not the template: while others copy it, nobody may be there.
  const url = await createEmptyDatabase()
  const db = openDatabase(url, 'pgreel-test', () => {})
  onTestFinished(() => db.destroy())
  const end = async (pid?: number) => {
    await sql`select pg_terminate_backend(${pid})`.execute(db)
    await setTimeout(50) // the ended connection's news has come, and nobody asked
  }
  const inPause = db.transaction().execute(async trx => {
    await end(await pidOf(trx))
    await sql`select 1`.execute(trx)
  })
  expect(isDatabaseAway(await inPause.catch(error => error))).toBe(true)
  const alone = withConnection(url, 'pgreel-test', AbortSignal.any([]), async one => {
    await end(await pidOf(one))
    await sql`select 1`.execute(one)
  })
  expect(isDatabaseAway(await alone.catch(error => error))).toBe(true)
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
})
