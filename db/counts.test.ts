// Views and likes: exact however many come at once, once for each viewer, gone with their video.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, growVideo, queueVideo, readyVideo } from '#test/videos.ts'
import { countView, forgetViews, like, likersAmong, unlike } from './counts.ts'
import { deleteVideo, editVideo, findVideo, forgetVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

const viewers = (count: number) => Array.from({ length: count }, () => crypto.randomUUID())

async function countsOf(id: string) {
  return t.db
    .selectFrom('video_counts')
    .select(['views', 'likes', 'listed_at', 'score'])
    .where('video_id', '=', id)
    .executeTakeFirst()
}

async function passMinutes(minutes: number): Promise<void> {
  await sql`update views set at = at - ${minutes} * interval '1 minute'`.execute(t.db)
}

const remove = (id: string) => t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))

test('a thousand likes at once, doubled and taken back, are as many as there are viewers left', async () => {
  const id = await readyVideo(t)
  const all = viewers(400)
  const back = all.slice(0, 200)
  await Promise.all(all.map(viewer => like(t.db, id, viewer)))
  await Promise.all([
    ...all.slice(200).map(viewer => like(t.db, id, viewer)),
    ...[...back, ...back].map(viewer => unlike(t.db, id, viewer)),
  ])
  expect(await countsOf(id)).toMatchObject({ likes: 200 })
  expect(await t.db.selectFrom('likes').select('viewer').execute()).toHaveLength(200)
})

test('a thousand views at once count once for each viewer', async () => {
  const id = await readyVideo(t)
  const all = viewers(250)
  await Promise.all([...all, ...all, ...all, ...all].map(viewer => countView(t.db, id, viewer)))
  expect(await countsOf(id)).toMatchObject({ views: 250 })
})

test('a viewer counts again after half an hour, not before', async () => {
  const id = await readyVideo(t)
  const [viewer = ''] = viewers(1)
  for (const minutes of [0, 29, 1, 29]) {
    await passMinutes(minutes)
    await countView(t.db, id, viewer)
  }
  expect(await countsOf(id)).toMatchObject({ views: 2 })
})

test('who gets another name is known by both', async () => {
  const id = await readyVideo(t)
  const [address = '', viewer = ''] = viewers(2)
  await countView(t.db, id, address, viewer)
  await countView(t.db, id, viewer)
  await countView(t.db, id, address)
  expect(await countsOf(id)).toMatchObject({ views: 1 })
})

test('what is past is forgotten, and the count stays', async () => {
  const id = await readyVideo(t)
  const [early = '', late = ''] = viewers(2)
  await countView(t.db, id, early)
  await passMinutes(30)
  await countView(t.db, id, late)
  await forgetViews(t.db)
  expect(await t.db.selectFrom('views').select('viewer').execute()).toEqual([{ viewer: late }])
  expect(await countsOf(id)).toMatchObject({ views: 2 })
})

test('of what plays, and of nothing else', async () => {
  const [viewer = ''] = viewers(1)
  const [waiting, deleted] = [await queueVideo(t), await readyVideo(t)]
  const { id: growing } = await growVideo(t, 2)
  await remove(deleted)
  for (const id of [waiting, deleted, crypto.randomUUID()]) {
    expect(await like(t.db, id, viewer)).toBeNull()
    expect(await unlike(t.db, id, viewer)).toBeNull()
    expect(await countView(t.db, id, viewer)).toBe(false)
  }
  expect(await like(t.db, growing, viewer)).toEqual({ likes: 1, liked: true })
  expect(await like(t.db, growing, viewer)).toEqual({ likes: 1, liked: true })
  expect(await countView(t.db, growing, viewer)).toBe(true)
})

test('a video says who of those who ask likes it', async () => {
  const id = await readyVideo(t)
  const [fan = '', other = ''] = viewers(2)
  await like(t.db, id, fan)
  await countView(t.db, id, other)
  expect(await findVideo(t.db, id, fan)).toMatchObject({ views: 1, likes: 1, liked: true })
  expect(await findVideo(t.db, id, other)).toMatchObject({ views: 1, likes: 1, liked: false })
  expect(await findVideo(t.db, id)).toMatchObject({ liked: false })
  expect(await likersAmong(t.db, id, [fan, other])).toEqual(new Set([fan]))
})

test('nothing is left of them when their video is purged', async () => {
  const [id, other] = [await readyVideo(t), await readyVideo(t)]
  const all = viewers(50)
  await Promise.all(all.flatMap(viewer => [like(t.db, id, viewer), countView(t.db, id, viewer)]))
  await like(t.db, other, all[0] ?? '')
  await remove(id)
  await forgetVideo(t.db, id)
  expect(await countsOf(id)).toBeUndefined()
  expect(await t.db.selectFrom('likes').select('video_id').execute()).toEqual([{ video_id: other }])
  expect(await t.db.selectFrom('views').select('viewer').execute()).toEqual([])
  expect(await countsOf(other)).toMatchObject({ likes: 1 })
})

test('counts are never below none', async () => {
  await readyVideo(t)
  for (const count of [sql`views`, sql`likes`]) {
    const set = (to: number) => sql`update video_counts set ${count} = ${to}`.execute(t.db)
    await expect(set(-1)).rejects.toThrow()
    await expect(set(0)).resolves.toBeDefined()
  }
})

test('only what the feed may show has a score, and ten times the votes are worth a day', async () => {
  const [id, hidden] = [await readyVideo(t), await readyVideo(t)]
  await editVideo(t.db, hidden, { visibility: 'unlisted' })
  expect(await countsOf(await queueVideo(t))).toMatchObject({ listed_at: null, score: null })
  expect(await countsOf(hidden)).toMatchObject({ listed_at: null, score: null })
  await editVideo(t.db, hidden, { visibility: 'public' })
  const [first, second] = [await countsOf(id), await countsOf(hidden)]
  expect(second?.score).toBeGreaterThanOrEqual(first?.score ?? Infinity)
  await sql`update video_counts set views = 9 where video_id = ${id}`.execute(t.db)
  expect((await countsOf(id))?.score).toBeCloseTo((first?.score ?? 0) + 1, 6)
  await sql`update video_counts set views = 79, likes = 2 where video_id = ${id}`.execute(t.db)
  expect((await countsOf(id))?.score).toBeCloseTo((first?.score ?? 0) + 2, 6)
  await remove(id)
  expect(await countsOf(id)).toMatchObject({ listed_at: null, score: null })
})
