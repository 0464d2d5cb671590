import { expect, inject, test } from 'vitest'
import { ConfigError } from '#config'
import { requireConnection } from './client.ts'

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
