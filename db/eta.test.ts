// When a video will be ready: from a table of outlooks, and from what really waits and runs.
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  claimVideo,
  emptyDatabase,
  processVideo,
  publicationOf,
  queueUpload,
  queueVideo,
  takeJob,
} from '#test/videos.ts'
import { estimate, type Outlook, readQueue, secondsUntilReady } from './eta.ts'
import { report, saveFacts } from './progress.ts'
import { publish } from './publish.ts'
import { cancelVideo } from './videos.ts'
import { heartbeat, removeWorker } from './workers.ts'

const t = await createTestDatabase()
const untilReady = async (id: string) => secondsUntilReady(await readQueue(t.db), id)

describe('an estimate', () => {
  // Each takes 2 s, and 1 s for each piece of work.
  const samples: Outlook['samples'] = [
    [2, 4],
    [4, 6],
    [6, 8],
  ]
  const own = { work: 8, isUnderWay: false, progress: 0, elapsedSeconds: 0, sinceSeconds: 0 }
  const idle = { slots: 2, samples, own, underWay: [], ahead: { count: 0, known: 0, work: 0 } }
  const unseen = { ...own, work: null }
  const runs = (progress: number, elapsedSeconds: number, sinceSeconds = 0) => ({
    ...{ work: 8, isUnderWay: true, progress, elapsedSeconds, sinceSeconds },
  })

  test.each<[string, number | null, Partial<Outlook>]>([
    ['is what the video takes, where a slot is free', 10, {}],
    ['is the same beside one that runs', 10, { underWay: [runs(0, 1, 1)] }],
    ['waits for the slot that is free first', 15, { underWay: [runs(0, 1, 1), runs(0, 5, 5)] }],
    ['shares what waits before it among the slots', 20, { ahead: { count: 2, known: 2, work: 16 } }],
    [
      'fills the slot that is free first',
      15,
      { underWay: [runs(0, 0)], ahead: { count: 1, known: 1, work: 3 } },
    ],
    ['takes one that was not looked at for a usual one', 6, { own: unseen }],
    ['also before it', 16, { slots: 1, ahead: { count: 1, known: 0, work: 0 } }],
    ['is none without a worker', null, { slots: 0 }],
    ['is none before a first ladder', null, { samples: [] }],
    ['of one that began is what others took', 9, { own: runs(0, 1, 1) }],
    ['goes down while nothing is said', 7, { own: runs(0, 3, 3) }],
    ['follows its own speed', 9, { own: runs(0.25, 4) }],
    ['follows it more, the longer it runs', 41, { own: runs(0.25, 36) }],
    ['is not led astray by a first word', 12.647, { own: runs(0.01, 2) }],
    ['follows nothing else where there is nothing else', 30, { own: runs(0.25, 10), samples: [] }],
    ['has the end of the work in it', 1, { own: runs(1, 20) }],
    ['is never below nothing', 0, { own: runs(1, 20, 10) }],
    ['goes by the mean where samples say nothing of length', 4, { samples: [[8, 4]] }],
    ['goes by the mean where there was nothing to do', 3, { samples: [[0, 3]] }],
    [
      'gives nobody less than nothing for what all have in common',
      7,
      {
        samples: [
          [1, 0.5],
          [3, 3],
        ],
      },
    ],
  ])('%s', (_title, seconds, outlook) => {
    const estimated = estimate({ ...idle, ...outlook })
    if (seconds === null) expect(estimated).toBeNull()
    else expect(estimated).toBeCloseTo(seconds)
  })
})

describe('the seconds until a video is ready', () => {
  beforeEach(() => emptyDatabase(t))

  test('come from recent ladders, the queue before it and the workers that live', async () => {
    await makeLadders()
    const [first, second] = [await waiting(6), await waiting(10)]
    expect(await untilReady(first)).toBeNull()
    const worker = await startWorker(1)
    expect(await untilReady(first)).toBe(8)
    expect(await untilReady(second)).toBe(8 + 12)
    await t.db.transaction().execute(trx => cancelVideo(trx, t.boss, first))
    expect(await untilReady(second)).toBe(12)
    await removeWorker(t.db, worker)
    expect(await untilReady(second)).toBeNull()
  })

  test('of one that runs come from its own progress, and shorten the wait of the next', async () => {
    await makeLadders()
    const worker = await startWorker(1)
    const id = await waiting(10)
    const next = await waiting(10)
    const attempt = await claimVideo(t, id, await takeJob(t.boss, 'ladder'))
    await sql`update attempts set worker_id = ${worker}, started_at = now() - interval '70 seconds'
      where token = ${attempt.token}`.execute(t.db)
    await report(t.db, attempt, { stage: 'encoding', progress: 0.5 })
    const seconds = await untilReady(id)
    expect(seconds).toBeGreaterThan(38)
    expect(seconds).toBeLessThan(50)
    expect(await untilReady(next)).toBe((seconds ?? 0) + 12)
    await removeWorker(t.db, worker)
    await startWorker(1)
    // It runs nowhere any more: the next worker begins it anew.
    expect(await untilReady(id)).toBe(12)
  })

  test('count a video whose ladder is not sent yet after all whose ladders wait', async () => {
    await makeLadders()
    await startWorker(1)
    const uploaded = await queueUpload(t)
    await waiting(20)
    expect(await untilReady(uploaded)).toBe(22 + 6)
  })

  test('are none of a video that has ended', async () => {
    const [id] = await makeLadders()
    await startWorker(1)
    expect(await untilReady(id ?? '')).toBeNull()
  })
})

/** Two ladders that took 2 s, and 1 s for each piece of work: 3 and 5 pieces, so that 4 are usual. */
async function makeLadders(): Promise<string[]> {
  const ids: string[] = []
  for (const work of [3, 5]) {
    const { id, attempt, job } = await processVideo(t)
    await saveFacts(t.db, attempt, { json: {}, durationSeconds: 3, width: 320, height: 240, work })
    await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
    await sql`update attempts set ended_at = started_at + ${work + 2} * interval '1 second'
      where token = ${attempt.token}`.execute(t.db)
    ids.push(id)
  }
  return ids
}

/** A video whose ladder waits, and which was looked at. */
async function waiting(work: number): Promise<string> {
  const id = await queueVideo(t)
  await t.db.updateTable('videos').set({ work }).where('id', '=', id).execute()
  return id
}

async function startWorker(slots: number): Promise<string> {
  const id = crypto.randomUUID()
  await heartbeat(t.db, { id, host: 'here', pid: 1, slots })
  return id
}
