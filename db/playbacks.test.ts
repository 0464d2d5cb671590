// Field figures: what is kept of them, and what they come to.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, readyVideo } from '#test/videos.ts'
import { addPlaybacks, forgetPlaybacks, type Playback, playbackReport } from './playbacks.ts'
import { deleteVideo } from './videos.ts'

const t = await createTestDatabase()
let videoId: string
beforeEach(async () => {
  await emptyDatabase(t)
  videoId = await readyVideo(t)
})

function playback(facts: Partial<Playback> = {}): Playback {
  return {
    ...{ videoId, firstFrameMs: 100, stalls: 0, stalledMs: 0, watchedMs: 9000, height: 720 },
    ...{ errorCode: null, connection: '4g' },
    ...facts,
  }
}

const age = (hours: number) => sql`update playbacks set at = at - ${hours} * interval '1 hour'`.execute(t.db)

test('percentiles of the first frame, the share of stalls and of errors', async () => {
  const times = Array.from({ length: 20 }, (_, index) => playback({ firstFrameMs: (index + 1) * 10 }))
  await addPlaybacks(t.db, times)
  const failed = { firstFrameMs: null, watchedMs: 0, height: null, errorCode: 'network' }
  await addPlaybacks(t.db, [playback({ stalls: 1, stalledMs: 20_000, watchedMs: 0 }), playback(failed)])
  const { all, errors, heights } = await playbackReport(t.db, { unit: 'hour', count: 24 })
  expect(all).toMatchObject({ playbacks: 22, firstFrameP50: 100, firstFrameP95: 190 })
  expect(all.stallRatio).toBeCloseTo(20 / 200)
  expect(all.errorRatio).toBeCloseTo(1 / 22)
  expect(errors).toEqual([{ code: 'network', count: 1 }])
  expect(heights).toEqual([
    { height: 720, count: 21, watchedMs: 180_000 },
    { height: null, count: 1, watchedMs: 0 },
  ])
})

test('by the hour and by the day, also where nobody watched', async () => {
  await addPlaybacks(t.db, [playback({ firstFrameMs: 300 })])
  await age(48)
  await addPlaybacks(t.db, [playback()])
  const day = await playbackReport(t.db, { unit: 'hour', count: 24 })
  expect(day.parts).toHaveLength(24)
  expect(day.parts.map(part => part.playbacks)).toEqual([...Array(23).fill(0), 1])
  expect(day.parts[0]).toMatchObject({ firstFrameP50: null, stallRatio: null, errorRatio: null })
  const week = await playbackReport(t.db, { unit: 'day', count: 7 })
  expect(week.parts.map(part => part.playbacks)).toEqual([0, 0, 0, 0, 1, 0, 1])
  expect(week.all).toMatchObject({ playbacks: 2, firstFrameP50: 200 })
})

test('nothing is kept of videos that are not there, nor for longer than 30 days', async () => {
  await addPlaybacks(t.db, [playback({ videoId: crypto.randomUUID() }), playback()])
  await age(30 * 24 - 1)
  await forgetPlaybacks(t.db)
  expect(await t.db.selectFrom('playbacks').select('video_id').execute()).toEqual([{ video_id: videoId }])
  await age(2)
  await forgetPlaybacks(t.db)
  expect(await t.db.selectFrom('playbacks').select('id').execute()).toEqual([])
  await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, videoId))
  await addPlaybacks(t.db, [playback()])
  expect(await t.db.selectFrom('playbacks').select('id').execute()).toEqual([])
})
