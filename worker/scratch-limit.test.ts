// Programs in FFmpeg's place that write what nobody asked for: ended before the disk is full, and not published.
import { chmod, copyFile, mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { attemptsOf, emptyDatabase, queueVideo } from '#test/videos.ts'
import { createWorkerContext, listKeys, makeFolder, processesIn, runJob, useFfmpeg } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { isLargerThan } from './scratch-limit.ts'

const MIB = 1024 ** 2
vi.mock('./room.ts', async original => ({
  ...(await original<typeof import('./room.ts')>()),
  scratchBytesOf: () => 8 * MIB,
}))

const t = await createTestDatabase()
let context: WorkerContext
let clip: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '72' })
  clip = await makeClip(await makeFolder(), 'clip.mp4', { width: 128, height: 72, fps: 10, seconds: 4 })
})
beforeEach(() => emptyDatabase(t))

describe('a folder is', () => {
  let folder: string
  beforeEach(async () => {
    folder = await makeFolder()
    await mkdir(path.join(folder, 'v72'))
  })

  test('as large as all that is in it, at any depth', async () => {
    await writeFile(path.join(folder, 'one'), Buffer.alloc(MIB, 1))
    await writeFile(path.join(folder, 'v72/two'), Buffer.alloc(MIB, 1))
    expect(await isLargerThan(folder, 1.9 * MIB)).toBe(true)
    expect(await isLargerThan(folder, 2.2 * MIB)).toBe(false)
  })

  test('as large as what it takes on disk: neither holes nor what links lead to', async () => {
    await writeFile(path.join(folder, 'hole'), '')
    await truncate(path.join(folder, 'hole'), 1024 * MIB)
    await symlink('/usr', path.join(folder, 'v72/elsewhere'))
    expect(await isLargerThan(folder, MIB)).toBe(false)
  })

  test('larger for every name in it', async () => {
    for (let name = 0; name < 300; name++) await writeFile(path.join(folder, `v72/${name}`), '')
    expect(await isLargerThan(folder, MIB)).toBe(true)
  })

  // Nothing is hidden from root.
  if (process.getuid?.() !== 0) {
    test('too large when it hides what is in it', async () => {
      await chmod(path.join(folder, 'v72'), 0)
      expect(await isLargerThan(folder, MIB)).toBe(true)
      await chmod(path.join(folder, 'v72'), 0o755)
    })
  }
})

test.each([
  ['goes on and on', 'for file in 1 2 3 4; do head -c 4M /dev/zero >$file; done; exec sleep 60'],
  ['ends before anybody looks', 'ffmpeg "$@"; code=$?; head -c 16M /dev/zero >junk; exit $code'],
])('a program that fills the disk and %s: nothing of it is published', async (_, program) => {
  await useFfmpeg(context, `case "$*" in *low/ffmpeg.m3u8*) ${program};; esac; exec ffmpeg "$@"`)
  const id = await queueVideo(t, (await readFile(clip)).length)
  await copyFile(clip, path.join(context.storage.sourcesDir, id))
  await runJob(context, 'ladder').catch(() => {})
  expect(await attemptsOf(t.db, id)).toMatchObject([
    { outcome: 'failed', cause: 'world', error_code: 'ffmpeg_too_large' },
  ])
  expect(await listKeys(context, `videos/${id}`)).toEqual([])
  expect(await processesIn(context.scratchRoot)).toEqual([])
})
