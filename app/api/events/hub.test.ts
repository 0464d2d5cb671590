// What an open event stream is told without any change of its videos: the queue moves on.
import { sql } from 'kysely'
import { afterAll, expect, test, vi } from 'vitest'
import type { Server } from '#app/server.ts'
import { createTestDatabase } from '#test/database.ts'
import { queueUpload, readyVideo } from '#test/videos.ts'
import { closeHub, hub, type Subscriber } from './hub.ts'

const TICK_MS = 4000

const t = await createTestDatabase()
afterAll(async () => {
  vi.useRealTimers()
  await closeHub()
})

test('who waits is told every four seconds while somebody watches, and of what is ready nothing', async () => {
  const ready = await readyVideo(t)
  const waiting = await queueUpload(t)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const events = hub({ db: t.db, databaseUrl: t.url, config: { mediaBaseUrl: '' } } as unknown as Server)
  // Once it listens everything is read again, as changes may have been missed.
  await expect.poll(listeners).toBe(1)

  const told: string[] = []
  const subscriber: Subscriber = {
    viewer: null,
    sent: new Map([waiting, ready].map(id => [id, 0])),
    send: message => message.event === 'video' && told.push(message.data.id),
    close: () => {},
  }
  await events.subscribe(subscriber, null)
  // Each is read by itself, in no order.
  expect(told.splice(0).sort()).toEqual([waiting, ready].sort())
  for (const _ of [1, 2]) {
    vi.advanceTimersByTime(TICK_MS)
    await expect.poll(() => told.splice(0)).toEqual([waiting])
  }
  events.unsubscribe(subscriber)
  vi.advanceTimersByTime(TICK_MS)
  await events.subscribe({ ...subscriber, sent: new Map([[ready, 0]]) }, null)
  expect(told).toEqual([ready])
})

async function listeners(): Promise<number> {
  const { rows } = await sql`
    select from pg_stat_activity
    where datname = current_database() and state = 'idle' and query like 'listen %'
      and application_name = 'pgreel-web-events'`.execute(t.db)
  return rows.length
}
