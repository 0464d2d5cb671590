import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { claimVideo, queueVideo, startUpload } from '#test/videos.ts'
import { eventsAfter, lastEventId, listenForVideos } from './events.ts'

const t = await createTestDatabase()

test('events of the videos asked for are replayed in order, after the one last seen', async () => {
  const id = await queueVideo(t)
  const other = await startUpload(t.db)
  const seen = await lastEventId(t.db, [id])
  await claimVideo(t, id)
  expect((await eventsAfter(t.db, [id], 0)).map(event => event.stage)).toEqual([
    'uploading',
    'queued',
    'probing',
  ])
  expect((await eventsAfter(t.db, [id], seen)).map(event => event.stage)).toEqual(['probing'])
  expect(new Set((await eventsAfter(t.db, [id, other], 0)).map(event => event.video_id))).toEqual(
    new Set([id, other]),
  )
  expect(await eventsAfter(t.db, [], 0)).toEqual([])
  expect(await lastEventId(t.db, [])).toBe(0)
})

test('a listener says that it may have missed something when it begins and after a cut, and hears again', async () => {
  const heard: string[] = []
  const errors: Error[] = []
  let gaps = 0
  const listener = listenForVideos(t.url, 'pgreel-listener', {
    onVideo: id => heard.push(id),
    onGap: () => gaps++,
    onError: error => errors.push(error),
  })
  onTestFinished(() => listener.close())
  const hears = () =>
    expect
      .poll(
        async () => {
          await startUpload(t.db)
          return heard.length
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)
  await hears()
  await expect.poll(() => gaps).toBe(1)
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'pgreel-listener' and datname = current_database()`.execute(t.db)
  await expect.poll(() => gaps, { timeout: 10_000 }).toBe(2)
  expect(errors).toHaveLength(1)
  heard.length = 0
  await hears()
})
