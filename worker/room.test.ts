// Work that does not fit waits, says what for, and costs no try.
import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  liveJobs,
  loseJob,
  queueUpload,
  queueVideo,
  readVideo,
} from '#test/videos.ts'
import { createWorkerContext, runJob } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { BT709 } from './ffmpeg/colour.ts'
import { firstNeeds, holdMemory, ladderNeeds } from './room.ts'

const GB = 1e9
const t = await createTestDatabase()
let context: WorkerContext
beforeAll(async () => {
  context = await createWorkerContext(t)
})
beforeEach(() => emptyDatabase(t))

describe.each([
  ['first', queueUpload],
  ['ladder', queueVideo],
] as const)('%s', (work, queue) => {
  test('waits while the disk has no room, and goes on when it has', async () => {
    const id = await queue(t, GB)
    await runJob(withDisk(0.5 * GB), work)
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', stage: 'waiting_for_disk' })
    expect(await attemptsOf(t.db, id)).toEqual([])
    expect(await liveJobs(t.boss, work, id)).toEqual(['created'])
    await runJob(withDisk(0.5 * GB), work)
    expect(await liveJobs(t.boss, work, id)).toEqual(['created'])

    await runJob(withDisk(9 * GB), work)
    // There is no such file, but it was looked for.
    expect(await attemptsOf(t.db, id)).toMatchObject([{ error_code: 'source_missing' }])
  })
})

test('what others have been promised is not free', async () => {
  const other = await queueVideo(t, GB)
  const { token } = await claimVideo(t, other)
  await t.db
    .updateTable('attempts')
    .set({ bytes_expected: 3 * GB })
    .where('token', '=', token)
    .execute()
  const id = await queueUpload(t, GB)
  await runJob(withDisk(4 * GB), 'first')
  expect(await readVideo(t.db, id)).toMatchObject({ stage: 'waiting_for_disk' })
})

test('what a dead worker was promised, or left in scratch, keeps nobody waiting', async () => {
  const id = await queueVideo(t, GB)
  const { token } = await claimVideo(t, id)
  await t.db
    .updateTable('attempts')
    .set({ bytes_expected: 9 * GB })
    .execute()
  await mkdir(path.join(context.scratchRoot, token), { recursive: true })
  await loseJob(t.boss, id)
  await runJob(withDisk(0.5 * GB), 'ladder')
  expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'crashed' }])
  expect(await readdir(context.scratchRoot)).toEqual([])
  await loseJob(t.boss, id)
  await claimVideo(t, id)
  await t.db
    .updateTable('attempts')
    .set({ bytes_expected: 9 * GB })
    .execute()
  await loseJob(t.boss, id)
  await runJob(withDisk(9 * GB), 'ladder')
  expect(await attemptsOf(t.db, id)).toMatchObject([{}, {}, { error_code: 'source_missing' }])
})

test('a worker at work takes no more than fits into memory; one that is idle tries', async () => {
  vi.spyOn(process, 'availableMemory').mockReturnValue(50 * 1024 ** 2)
  const giveBack = holdMemory({ diskBytes: 0, memoryBytes: GB })
  const id = await queueUpload(t)
  await runJob(context, 'first')
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', stage: 'waiting_for_memory' })
  giveBack()
  await runJob(context, 'first')
  expect(await attemptsOf(t.db, id)).toMatchObject([{ error_code: 'source_missing' }])
  vi.restoreAllMocks()
})

describe('what a ladder needs', () => {
  const facts = {
    ...{ format: 'mov,mp4', durationSeconds: 60, audio: { index: 1, codec: 'aac', channels: 2 } },
    video: {
      ...{ index: 0, codec: 'h264', width: 1920, height: 1080, rotation: 0, pixelFormat: 'yuv420p' },
      colour: BT709,
      frameRate: { num: 30, den: 1 },
    },
  }

  test('is known from what the probe found: bit rates are capped, memory goes with pixels', async () => {
    const video = await videoOf({ facts, source_bytes: GB })
    const { diskBytes, memoryBytes } = ladderNeeds(video, context.config)
    // 10.5 Mbit/s of rungs and 2.9 of MP4, for a minute.
    expect(diskBytes).toBeGreaterThan(95e6)
    expect(diskBytes).toBeLessThan(115e6)
    expect(memoryBytes).toBeGreaterThan(400e6)
    expect(memoryBytes).toBeLessThan(800e6)
  })

  test('is guessed from the source where nothing is known, or where that is little', async () => {
    for (const known of [null, facts]) {
      const { diskBytes } = ladderNeeds(await videoOf({ facts: known, source_bytes: 1000 }), context.config)
      expect(diskBytes).toBe(3000 + 64 * 1024 ** 2)
    }
    expect(firstNeeds(await videoOf({ facts: null, source_bytes: 1000 })).diskBytes).toBe(1050)
  })

  async function videoOf(known: { facts: unknown; source_bytes: number }) {
    return { ...(await readVideo(t.db, await queueUpload(t))), ...known }
  }
})

function withDisk(freeBytes: number): WorkerContext {
  return { ...context, storage: { ...context.storage, freeBytes: async () => freeBytes } }
}
