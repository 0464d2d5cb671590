// The extra as a worker runs it, after a real ladder: real FFmpeg, Postgres and storage, tiny clips.
import { execFile } from 'node:child_process'
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JobLost } from '#db/boss.ts'
import { deleteVideo } from '#db/videos.ts'
import { attemptPrefix } from '#media/keys.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  liveJobs,
  loseJob,
  queueVideo,
  readVideo,
  takeJob,
} from '#test/videos.ts'
import {
  createWorkerContext,
  emptyStorage,
  listKeys,
  makeFolder,
  processesIn,
  runJob,
  useFfmpeg,
} from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { extra } from './extra.ts'

const run = promisify(execFile)

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '480' })
  folder = await makeFolder()
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

test('a video that is ready gets preview and storyboard, and plays on as it did', async () => {
  const id = await makeReady({ seconds: 9, width: 320, height: 180 })
  const before = await readVideo(t.db, id)
  const playing = await listKeys(context, `videos/${id}`)
  await runJob(context, 'extra')
  const after = await readVideo(t.db, id)
  const won = (await attemptsOf(t.db, id)).find(attempt => attempt.kind === 'extra')
  expect(won).toMatchObject({ outcome: 'won', cause: null, error_code: null })
  const prefix = attemptPrefix(id, won?.token ?? '')
  expect(after).toEqual({
    ...before,
    publication_id: expect.any(String),
    url_preview: `${prefix}/preview.webp`,
    url_storyboard: `${prefix}/storyboard.vtt`,
    version: before.version + 1,
  })
  expect(await currentKinds(id)).toEqual(['audio', 'mp4', 'poster', 'preview', 'storyboard', 'video'])
  const made = ['preview.webp', 'storyboard.jpg', 'storyboard.vtt'].map(name => `${prefix}/${name}`)
  expect(await listKeys(context, `videos/${id}`)).toEqual([...playing, ...made].sort())
  expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
  expect(await readdir(context.scratchRoot)).toEqual([])
})

test('the preview is three seconds of moving pictures without end, the storyboard’s cues cover all', async () => {
  const id = await makeReady({ seconds: 9, width: 320, height: 180 })
  await runJob(context, 'extra')
  expect(await readPreview(id)).toEqual({ width: 320, height: 180, frames: 30, seconds: 3, loops: 0 })
  await expectStoryboard(id, 5, { width: 160, height: 90 })
})

describe('of an unusual video as well:', () => {
  test.each([
    ['of one second, portrait', { seconds: 1, width: 180, height: 320 }, 1, 1, { width: 90, height: 160 }],
    ['of a third of a second', { seconds: 0.3 }, 0.3, 1, { width: 120, height: 90 }],
    ['without sound', { seconds: 3, hasAudio: false }, 3, 2, { width: 120, height: 90 }],
    [
      'of minutes',
      { seconds: 210, fps: 5, width: 64, height: 36, hasAudio: false },
      3,
      100,
      { width: 64, height: 36 },
    ],
    ['as flat as a ribbon', { seconds: 2, width: 640, height: 32 }, 2, 1, { width: 160, height: 8 }],
  ])('%s', async (_, clip, seconds, tiles, tile) => {
    const id = await makeReady(clip)
    await runJob(context, 'extra')
    expect((await readPreview(id)).seconds).toBeCloseTo(seconds, 0)
    await expectStoryboard(id, tiles, tile)
  })
})

test('each tile shows its own moment', async () => {
  // Grey, a step brighter every two seconds.
  const brighter = ['-vf', 'geq=lum=16+25*floor(T/2):cb=128:cr=128', '-pix_fmt', 'yuv420p']
  const id = await makeReady({ seconds: 15, width: 160, height: 90, options: brighter })
  await runJob(context, 'extra')
  const { file, cues } = await readStoryboard(id)
  expect(cues.map(cue => cue.startSeconds)).toEqual([0, 2, 4, 6, 8, 10, 12, 14])
  for (const [step, { x, y, width, height }] of cues.entries()) {
    // Limited range in the video, full range in a JPEG.
    const expected = (25 * step * 255) / 219
    expect(Math.abs((await brightness(file, { x, y, width, height })) - expected)).toBeLessThan(4)
  }
})

test('a preview of nothing but noise is small enough too', async () => {
  const options = ['-vf', 'noise=alls=100:allf=t', '-pix_fmt', 'yuv420p', '-preset', 'ultrafast']
  const id = await makeReady({ seconds: 4, width: 480, height: 270, options })
  await runJob(context, 'extra')
  const { url_preview } = await readVideo(t.db, id)
  const { length } = await bytes(url_preview)
  expect(length).toBeLessThan(300_000)
  expect(length).toBeGreaterThan(100_000)
})

describe('what fails costs the video nothing:', () => {
  let id: string
  let before: Awaited<ReturnType<typeof readVideo>>
  beforeEach(async () => {
    id = await makeReady({ seconds: 2, hasAudio: false })
    before = await readVideo(t.db, id)
  })

  test('a preview that stays too large is left out, and the attempt says so', async () => {
    await useFfmpeg(
      context,
      'ffmpeg "$@" || exit; [ "$last" != preview.webp ] || head -c 300000 /dev/zero >> preview.webp',
    )
    await runJob(context, 'extra')
    expect(await readVideo(t.db, id)).toMatchObject({
      ...{ status: 'ready', url_hls: before.url_hls, url_preview: null },
      url_storyboard: expect.any(String),
    })
    expect(await lastAttempt()).toMatchObject({
      outcome: 'won',
      cause: 'video',
      error_code: 'preview_too_large',
    })
    await sweep()
    expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
  })

  test('a storyboard that fails leaves the preview', async () => {
    await useFfmpeg(context, '[ "$last" != storyboard.jpg ] || exit 1; exec ffmpeg "$@"')
    await runJob(context, 'extra')
    expect(await readVideo(t.db, id)).toMatchObject({
      url_preview: expect.any(String),
      url_storyboard: null,
    })
    expect(await currentKinds(id)).toEqual(['mp4', 'poster', 'preview', 'video'])
    expect(await lastAttempt()).toMatchObject({ outcome: 'won', cause: 'ours' })
  })

  test('a damaged rung is tried three times, then left alone, also by the sweep', async () => {
    for (const key of await listKeys(context, `videos/${id}`)) {
      if (key.endsWith('.m4s')) await writeFile(context.storage.localPath(key), 'damaged')
    }
    for (let tries = 0; tries < 3; tries++) await runJob(context, 'extra')
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await lastAttempt()).toMatchObject({ outcome: 'failed', cause: 'ours', error_code: 'internal' })
    expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
    await sweep()
    expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
    await expectNothingNew()
  })

  test('a rung that is not in the storage is looked for again', async () => {
    for (const key of await listKeys(context, `videos/${id}`)) {
      if (key.endsWith('.m4s')) await rm(context.storage.localPath(key))
    }
    await runJob(context, 'extra')
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await lastAttempt()).toMatchObject({ cause: 'world', error_code: 'rung_missing' })
    expect(await liveJobs(t.boss, 'extra', id)).toEqual(['retry'])
  })

  test('workers killed ten times: given up, the last attempt ended', async () => {
    for (let kill = 0; kill < 10; kill++) await claimVideo(t, id, undefined, 'extra')
    await loseJob(t.boss, id, 'extra')
    await runJob(context, 'extra')
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await lastAttempt()).toMatchObject({ outcome: 'crashed' })
    expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
  })

  test('a worker that has to stop hands back: one live job, no try spent, nothing left', async () => {
    const stop = new AbortController()
    const { done } = await begin({ stopping: stop.signal })
    stop.abort(new Error('worker stopping (SIGTERM)'))
    await done
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await lastAttempt()).toMatchObject({ outcome: 'handed_back' })
    expect(await liveJobs(t.boss, 'extra', id)).toEqual(['created'])
    await expectNothingNew()
  })

  test('a job that another worker has by now: one wins, the other’s files go', async () => {
    const { done } = await begin()
    await loseJob(t.boss, id, 'extra')
    await useFfmpeg(context, 'exec ffmpeg "$@"')
    await runJob(context, 'extra')
    const winner = await readVideo(t.db, id)
    expect(winner.url_preview).not.toBeNull()
    const stored = await listKeys(context, `videos/${id}`)
    await goOn()
    await expect(done).rejects.toThrow(JobLost)
    expect(await readVideo(t.db, id)).toEqual(winner)
    expect(await listKeys(context, `videos/${id}`)).toEqual(stored)
    const outcomes = (await attemptsOf(t.db, id)).map(attempt => attempt.outcome)
    expect(outcomes).toEqual(['won', 'crashed', 'won'])
  })

  test('a video deleted meanwhile: nothing is published, nothing stays', async () => {
    const { done } = await begin()
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))
    await goOn()
    await expect(done).rejects.toThrow(JobLost)
    expect(await lastAttempt()).toMatchObject({ outcome: 'cancelled' })
    expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
    await expectNothingNew()
  })

  /** Starts the extra and stops it in its first FFmpeg, which waits for SIGUSR1. */
  async function begin(overrides: Partial<WorkerContext> = {}) {
    await useFfmpeg(context, 'trap go=1 USR1; while [ -z "$go" ]; do sleep 0.1; done; exec ffmpeg "$@"')
    const job = await takeJob(t.boss, 'extra')
    const done = extra({ ...context, ...overrides }, { videoId: id }, job)
    await expect.poll(() => processesIn(context.scratchRoot)).not.toEqual([])
    return { done }
  }

  async function goOn(): Promise<void> {
    await useFfmpeg(context, 'exec ffmpeg "$@"')
    for (const pid of await processesIn(context.scratchRoot)) process.kill(pid, 'SIGUSR1')
  }

  async function lastAttempt() {
    return (await attemptsOf(t.db, id)).at(-1)
  }

  async function expectNothingNew(): Promise<void> {
    expect((await listKeys(context, `videos/${id}`)).filter(key => /preview|storyboard/.test(key))).toEqual(
      [],
    )
    await expect.poll(() => processesIn(context.scratchRoot)).toEqual([])
    expect(await readdir(context.scratchRoot)).toEqual([])
  }
})

test('a second delivery of its job changes nothing', async () => {
  const id = await makeReady({ seconds: 1 })
  await runJob(context, 'extra')
  const before = [await readVideo(t.db, id), await listKeys(context, 'videos')]
  await t.boss.send('extra', { videoId: id }, { singletonKey: id })
  await runJob(context, 'extra')
  expect([await readVideo(t.db, id), await listKeys(context, 'videos')]).toEqual(before)
  expect(await attemptsOf(t.db, id)).toHaveLength(2)
})

/** A clip that went through the ladder, of as many frames a second as a preview shows. */
async function makeReady(clip: Parameters<typeof makeClip>[2]): Promise<string> {
  const file = await makeClip(folder, 'clip.mp4', { fps: 10, ...clip })
  const id = await queueVideo(t, (await readFile(file)).length)
  await copyFile(file, path.join(context.storage.sourcesDir, id))
  await runJob(context, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({
    status: 'ready',
    url_preview: null,
    url_storyboard: null,
  })
  return id
}

async function sweep(): Promise<void> {
  await t.boss.send('sweep', {})
  await runJob(context, 'sweep')
}

async function bytes(key: string | null): Promise<Buffer> {
  return readFile(context.storage.localPath(key ?? ''))
}

async function currentKinds(id: string): Promise<string[]> {
  const rows = await t.db
    .selectFrom('videos')
    .innerJoin('publication_renditions', 'publication_renditions.publication_id', 'videos.publication_id')
    .innerJoin('renditions', 'renditions.id', 'publication_renditions.rendition_id')
    .select('kind')
    .distinct()
    .where('videos.id', '=', id)
    .orderBy('kind')
    .execute()
  return rows.map(row => row.kind)
}

/** What the chunks of an animated WebP say (https://developers.google.com/speed/webp/docs/riff_container). */
async function readPreview(id: string) {
  const { url_preview } = await readVideo(t.db, id)
  const file = await bytes(url_preview)
  expect(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 12)).toBe('RIFFWEBP')
  const found = { width: 0, height: 0, frames: 0, seconds: 0, loops: -1 }
  for (let at = 12; at < file.length; ) {
    const type = file.toString('latin1', at, at + 4)
    const length = file.readUInt32LE(at + 4)
    const data = at + 8
    if (type === 'VP8X') {
      found.width = file.readUIntLE(data + 4, 3) + 1
      found.height = file.readUIntLE(data + 7, 3) + 1
    }
    if (type === 'ANIM') found.loops = file.readUInt16LE(data + 4)
    if (type === 'ANMF') {
      found.frames += 1
      found.seconds += file.readUIntLE(data + 12, 3) / 1000
    }
    at = data + length + (length % 2)
  }
  return { ...found, seconds: Math.round(found.seconds * 1000) / 1000 }
}

async function readStoryboard(id: string) {
  const { url_storyboard } = await readVideo(t.db, id)
  const [header, ...blocks] = (await bytes(url_storyboard)).toString().trim().split('\n\n')
  expect(header).toBe('WEBVTT')
  const cues = blocks.map(block => {
    const match =
      /^(\d\d):(\d\d):([\d.]{6}) --> (\d\d):(\d\d):([\d.]{6})\nstoryboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec(
        block,
      )
    const [h = 0, m = 0, s = 0, h2 = 0, m2 = 0, s2 = 0, x = 0, y = 0, width = 0, height = 0] =
      match?.slice(1).map(Number) ?? []
    return { startSeconds: h * 3600 + m * 60 + s, endSeconds: h2 * 3600 + m2 * 60 + s2, x, y, width, height }
  })
  const file = context.storage.localPath(
    path.posix.join(path.posix.dirname(url_storyboard ?? ''), 'storyboard.jpg'),
  )
  return { file, cues }
}

/** Cues from 0 to the video's end without gap or overlap, each a tile of its own within the sprite. */
async function expectStoryboard(id: string, count: number, tile: { width: number; height: number }) {
  const { file, cues } = await readStoryboard(id)
  const { stdout } = await run('ffprobe', [
    '-v',
    'error',
    '-show_entries',
    'stream=width,height',
    '-of',
    'csv=p=0',
    file,
  ])
  const [width = 0, height = 0] = stdout.trim().split(',').map(Number)
  expect(cues).toHaveLength(count)
  expect(cues[0]?.startSeconds).toBe(0)
  expect(cues.at(-1)?.endSeconds).toBeCloseTo(((await readVideo(t.db, id)).duration_ms ?? 0) / 1000, 2)
  for (const [index, cue] of cues.entries()) {
    expect(cue).toMatchObject(tile)
    if (index > 0) expect(cue.startSeconds).toBe(cues[index - 1]?.endSeconds)
    expect(cue.endSeconds).toBeGreaterThan(cue.startSeconds)
    expect(cue.x + cue.width).toBeLessThanOrEqual(width)
    expect(cue.y + cue.height).toBeLessThanOrEqual(height)
  }
  expect(new Set(cues.map(cue => `${cue.x},${cue.y}`)).size).toBe(count)
}

/** Mean of a rectangle's middle, 0 to 255. */
async function brightness(file: string, rectangle: { x: number; y: number; width: number; height: number }) {
  const { x, y, width, height } = rectangle
  const crop = `crop=${width / 2}:${height / 2}:${x + width / 4}:${y + height / 4},scale=1:1:flags=area,format=gray`
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-vf', crop, '-f', 'rawvideo', '-'], {
    encoding: 'buffer',
  })
  return stdout.readUInt8(0)
}
