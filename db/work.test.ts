// How long work may take is in its job, by what the probe found.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { claimVideo, emptyDatabase, growthOf, queueUpload, takeJob } from '#test/videos.ts'
import { publishGrowing } from './first.ts'
import { saveFacts } from './progress.ts'
import { boundSeconds } from './work.ts'

const DAY = 24 * 3600
const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

test.each([
  ['a clip of a second', 60, 630],
  ['a minute of 1080p', 8000, 4600],
  ['an hour of 1080p', 480_000, DAY - 901],
  ['what nobody knows the length of', null, DAY - 901],
])('%s has its own bound', (_, work, seconds) => {
  expect(boundSeconds(work)).toBe(seconds)
})

test.each([
  ['known', 8000, 4600 + 900],
  ['not known', null, DAY - 1],
])('a ladder’s job expires by its length where that is %s', async (_, work, seconds) => {
  const id = await queueUpload(t)
  const job = await takeJob(t.boss, 'first')
  const attempt = await claimVideo(t, id, job, 'first')
  if (work) await saveFacts(t.db, attempt, { json: {}, durationSeconds: 60, width: 320, height: 240, work })
  await t.db.transaction().execute(trx => publishGrowing(trx, t.boss, job, attempt, growthOf(attempt, 1)))
  const { rows } = await sql`select expire_seconds from pgboss.job where name = 'ladder'`.execute(t.db)
  expect(rows).toEqual([{ expire_seconds: seconds }])
})
