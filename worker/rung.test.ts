// What FFmpeg dies of costs nothing else: it is left out by the second try, and can be made by itself.
import { copyFile, readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { retryVideo } from '#db/videos.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { lintHls } from '#test/hls-linter.ts'
import { attemptsOf, emptyDatabase, liveJobs, queueUpload, queueVideo, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, makeFolder, runJob, useFfmpeg } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const t = await createTestDatabase()
let context: WorkerContext
let clip: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '240,144' })
  clip = await makeClip(await makeFolder(), 'clip.mp4', { seconds: 3, fps: 10 })
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

const dyingOf = (...outputs: string[]) =>
  `case "$*" in ${outputs.map(name => `*${name}/*.m4s*`).join('|')}) kill -SEGV $$;; esac; exec ffmpeg "$@"`

describe('a rung that kills FFmpeg', () => {
  test('is left out by the second try, and the others play', async () => {
    const id = await withoutRung()
    expect(await renditionsOf(id)).toEqual(['audio', 'audio-low', 'low', 'v144', 'v240: ffmpeg_killed'])
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', error_code: null })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ error_code: 'ffmpeg_killed' }, { outcome: 'won' }])
    await expectCleanHls(id)
  })

  test('is made by itself when somebody asks, and what played plays on', async () => {
    const id = await withoutRung()
    const before = await readVideo(t.db, id)
    expect(await retry(id)).toBe('done')
    expect(await retry(id)).toBe('done')
    expect(await liveJobs(t.boss, 'rung', id)).toEqual(['created'])
    await runJob(context, 'rung')
    const after = await readVideo(t.db, id)
    expect(after).toMatchObject({ status: 'ready', url_mp4: before.url_mp4, ready_at: before.ready_at })
    expect(after.url_hls).not.toBe(before.url_hls)
    expect(await renditionsOf(id)).toEqual(['audio', 'audio-low', 'low', 'v144', 'v240'])
    await expectCleanHls(id)
    expect(await retry(id)).toBe('conflict')
  })

  test('and kills it again stays left out, and nothing else changes', async () => {
    const id = await withoutRung()
    const before = await readVideo(t.db, id)
    await retry(id)
    await runJob(context, 'rung')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', url_hls: before.url_hls })
    expect(await liveJobs(t.boss, 'rung', id)).toEqual(['retry'])
    const died = { kind: 'rung', cause: 'ours', error_code: 'ffmpeg_dies' }
    expect(await attemptsOf(t.db, id)).toMatchObject([{}, {}, died])
  }, 60_000)

  /** A ready video without its tallest rung; FFmpeg is well again unless the test's name says otherwise. */
  async function withoutRung(): Promise<string> {
    await useFfmpeg(context, dyingOf('v240'))
    const id = await upload()
    await runJob(context, 'ladder')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued' })
    await runJob(context, 'ladder')
    if (!expect.getState().currentTestName?.includes('again')) await useFfmpeg(context, 'exec ffmpeg "$@"')
    return id
  }
})

test('sound that kills FFmpeg is left out, and the video plays silent', async () => {
  await useFfmpeg(context, dyingOf('audio', 'audio-low'))
  const id = await upload()
  await runJob(context, 'ladder')
  await runJob(context, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready' })
  expect(await renditionsOf(id)).toEqual([
    ...['audio-low: ffmpeg_killed', 'audio: ffmpeg_killed', 'low', 'v144', 'v240'],
  ])
  await expectCleanHls(id)
})

test('an MP4 that kills FFmpeg is left out', async () => {
  await useFfmpeg(context, '[ "$last" != video.mp4 ] || kill -SEGV $$; exec ffmpeg "$@"')
  const id = await upload()
  await runJob(context, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', url_mp4: null })
})

test('a first rung that kills FFmpeg twice is left to the ladder', async () => {
  await useFfmpeg(context, 'kill -SEGV $$')
  const id = await upload(queueUpload)
  await runJob(context, 'first')
  expect(await liveJobs(t.boss, 'first', id)).toEqual(['retry'])
  await runJob(context, 'first')
  expect(await liveJobs(t.boss, 'first', id)).toEqual([])
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
})

test('a video that kills FFmpeg in every rung is given up after a few tries', async () => {
  await useFfmpeg(context, dyingOf('v240', 'v144', 'low'))
  const id = await upload()
  for (let tries = 0; tries < 4; tries++) await runJob(context, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'gave_up' })
  const codes = (await attemptsOf(t.db, id)).map(({ error_code }) => error_code)
  expect(codes).toEqual(['ffmpeg_killed', 'ffmpeg_dies', 'ffmpeg_dies', 'ffmpeg_dies'])
})

// A full disk may take a part of a file from an FFmpeg that ends well.
test.each([
  ['v240/00000.m4s', 700],
  ['v240/init.mp4', 0],
])('%s that is not whole is nobody’s fault, and is made again', async (file, bytes) => {
  await useFfmpeg(
    context,
    `ffmpeg "$@" || exit; case "$*" in *v240*) truncate -s ${bytes} ${file} 2>/dev/null;; esac; exit 0`,
  )
  const id = await upload()
  await runJob(context, 'ladder')
  expect(await attemptsOf(t.db, id)).toMatchObject([{ cause: 'world', error_code: 'cut_short' }])
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['retry'])
})

test('last segments that never came to the disk are nobody’s fault either', async () => {
  await useFfmpeg(context, 'ffmpeg "$@" || exit; rm -f v240/00001.m4s v144/00001.m4s low/00001.m4s')
  const id = await upload()
  await runJob(context, 'ladder')
  expect(await attemptsOf(t.db, id)).toMatchObject([{ cause: 'world', error_code: 'cut_short' }])
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['retry'])
})

async function upload(queue = queueVideo): Promise<string> {
  const { length } = await readFile(clip)
  const id = await queue(t, length)
  await copyFile(clip, path.join(context.storage.sourcesDir, id))
  return id
}

function retry(id: string) {
  return t.db.transaction().execute(trx => retryVideo(trx, t.boss, id))
}

/** Streams of what the video plays from, by name. */
async function renditionsOf(id: string): Promise<string[]> {
  const rows = await t.db
    .selectFrom('videos')
    .innerJoin('publication_renditions', 'publication_renditions.publication_id', 'videos.publication_id')
    .innerJoin('renditions', 'renditions.id', 'rendition_id')
    .select(['renditions.key', 'renditions.error_code'])
    .where('videos.id', '=', id)
    .where('renditions.kind', 'in', ['video', 'audio'])
    .execute()
  return rows
    .map(({ key, error_code }) => [path.basename(path.dirname(key)), error_code].filter(Boolean).join(': '))
    .sort()
}

async function expectCleanHls(id: string): Promise<void> {
  const { url_hls } = await readVideo(t.db, id)
  const master = context.storage.localPath(url_hls ?? '')
  expect(await lintHls(path.dirname(master), path.basename(master))).toEqual([])
}
