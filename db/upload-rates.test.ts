import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { forgetWholeRates, takeTurn } from './upload-rates.ts'

const { db } = await createTestDatabase()
beforeEach(() => sql`truncate upload_rates`.execute(db))

const pass = (seconds: number) =>
  sql`update upload_rates set whole_at = whole_at - ${seconds} * interval '1 second'`.execute(db)

test('so many turns at once and not one more, and it says when there will be one', async () => {
  const turns = await Promise.all(Array.from({ length: 14 }, () => takeTurn(db, 'a', 10)))
  expect(turns.filter(wait => wait === 0)).toHaveLength(10)
  // One of ten comes back in 360 s.
  expect(await takeTurn(db, 'a', 10)).toBeGreaterThan(350)
  expect(await takeTurn(db, 'a', 10)).toBeLessThanOrEqual(360)
})

test('turns come back one by one', async () => {
  for (let count = 0; count < 10; count++) await takeTurn(db, 'a', 10)
  await pass(361)
  expect([await takeTurn(db, 'a', 10), await takeTurn(db, 'a', 10)]).toEqual([0, expect.any(Number)])
  await pass(3600)
  expect(await takeTurn(db, 'a', 10)).toBe(0)
})

test('every client has its own', async () => {
  expect([await takeTurn(db, 'a', 1), await takeTurn(db, 'a', 1), await takeTurn(db, 'b', 1)]).toEqual([
    ...[0, expect.any(Number), 0],
  ])
})

test('who has all turns again is forgotten', async () => {
  await takeTurn(db, 'a', 10)
  await takeTurn(db, 'b', 10)
  await sql`update upload_rates set whole_at = now() - interval '1 second' where client = 'a'`.execute(db)
  await forgetWholeRates(db)
  expect(await db.selectFrom('upload_rates').select('client').execute()).toEqual([{ client: 'b' }])
})
