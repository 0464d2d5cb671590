// Posters that uploaders give, as a worker makes them after a real ladder: real FFmpeg, Postgres and storage.
import { execFile } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { givePoster, type PosterWish } from '#db/given.ts'
import { findVideo } from '#db/videos.ts'
import { sourceKey } from '#media/keys.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { attemptsOf, emptyDatabase, liveJobs, queueVideo, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, listKeys, makeFolder, runJob, useFfmpeg } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const run = promisify(execFile)

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
let clip: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '120' })
  folder = await makeFolder()
  // Grey, a step brighter every two seconds.
  clip = await makeClip(folder, 'brighter.mp4', {
    ...{ seconds: 7, width: 160, height: 120, fps: 10, hasAudio: false },
    options: ['-vf', 'geq=lum=40+50*floor(T/2):cb=128:cr=128', '-pix_fmt', 'yuv420p'],
  })
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

test('a moment of a video becomes its poster, beside all that there was', async () => {
  const id = await makeReady()
  await runJob(context, 'extra')
  const before = await readVideo(t.db, id)
  const [drawn] = (await describePoster(id)) ?? []
  await give(id, { atSeconds: 4.5 })
  await runJob(context, 'poster')
  const after = await readVideo(t.db, id)
  expect(after).toEqual({
    ...before,
    publication_id: expect.any(String),
    thumbnail: expect.stringMatching(/\/poster\.jpg$/),
    placeholder: expect.stringMatching(/^data:image\/jpeg;base64,/),
    version: before.version + 1,
  })
  expect(after.placeholder).not.toBe(before.placeholder)
  expect(await describePoster(id)).toEqual([near(((40 + 100 - 16) * 255) / 219), 160, 120])
  expect(drawn).toBeLessThan(60)
  const { renditions, given_poster } = (await findVideo(t.db, id)) ?? {}
  expect(renditions?.map(({ kind }) => kind).filter(kind => kind !== 'video')).toEqual([
    'mp4',
    'poster',
    'preview',
    'storyboard',
  ])
  expect(given_poster).toMatchObject({ rendition_id: expect.any(String) })
  expect(await liveJobs(t.boss, 'poster', id)).toEqual([])
})

test('a picture becomes the poster, whatever shape and kind it has', async () => {
  const id = await makeReady()
  for (const name of ['given.png', 'given.jpg', 'given.webp']) {
    const { thumbnail } = await readVideo(t.db, id)
    await give(id, { image: await makePicture(name) })
    await runJob(context, 'poster')
    // White bars at both sides, which do not fit into the video's shape.
    expect(await describePoster(id)).toEqual([near(128), 160, 120])
    expect((await readVideo(t.db, id)).thumbnail).not.toBe(thumbnail)
  }
})

test('one that is given before there is a video is made after the ladder', async () => {
  const id = await queueSource()
  await give(id, { image: await makePicture('early.png') })
  expect(await liveJobs(t.boss, 'poster', id)).toEqual([])
  await runJob(context, 'ladder')
  expect(await liveJobs(t.boss, 'poster', id)).toEqual(['created'])
  await runJob(context, 'poster')
  expect(await describePoster(id)).toEqual([near(128), 160, 120])
  // What a worker was busy with meanwhile is not lost by that.
  await runJob(context, 'extra')
  expect(await readVideo(t.db, id)).toMatchObject({ url_preview: expect.any(String) })
  expect(await describePoster(id)).toEqual([near(128), 160, 120])
})

test('the last wish counts, also when it comes while another is fulfilled', async () => {
  const id = await makeReady()
  await give(id, { image: await makePicture('first.png') })
  const wish = await t.db.selectFrom('given_posters').select('wish').executeTakeFirstOrThrow()
  const begun = path.join(folder, 'begun')
  await useFfmpeg(
    context,
    `touch ${begun}; while [ ! -e ${begun}.on ]; do sleep 0.05; done; exec ffmpeg "$@"`,
  )
  const making = runJob(context, 'poster')
  await expect.poll(() => readFile(begun).then(String, () => null), { timeout: 20_000 }).toBe('')
  await give(id, { atSeconds: 4.5 })
  await writeFile(`${begun}.on`, '')
  await making
  expect(await liveJobs(t.boss, 'poster', id)).toEqual(['created'])
  await runJob(context, 'poster')
  expect((await describePoster(id))?.[0]).toEqual(near(((40 + 100 - 16) * 255) / 219))
  expect((await t.db.selectFrom('given_posters').selectAll().executeTakeFirst())?.wish).not.toBe(wish.wish)
})

test('what is no picture is told to its uploader, and costs the video nothing', async () => {
  const id = await makeReady()
  await runJob(context, 'extra')
  const before = await readVideo(t.db, id)
  const jpeg = await makePicture('short.jpg')
  for (const image of [
    Buffer.from('\x89PNG\r\n\x1a\n#EXTM3U\nfile:///etc/passwd', 'latin1'),
    jpeg.subarray(0, 20),
    // Of more pixels than any video.
    await makePicture('giant.png', '9000x9000'),
  ]) {
    await give(id, { image })
    await runJob(context, 'poster')
    expect(await readVideo(t.db, id)).toEqual(before)
    expect(await t.db.selectFrom('given_posters').selectAll().executeTakeFirst()).toMatchObject({
      ...{ image: null, rendition_id: null, error_code: 'poster_unreadable' },
      error_message: expect.stringMatching(/could not be read/),
    })
    expect((await attemptsOf(t.db, id)).at(-1)).toMatchObject({ outcome: 'failed', cause: 'video' })
    expect(await liveJobs(t.boss, 'poster', id)).toEqual([])
  }
  // Another one is another try.
  await give(id, { atSeconds: 1 })
  await runJob(context, 'poster')
  expect((await readVideo(t.db, id)).thumbnail).not.toBe(before.thumbnail)
})

async function queueSource(): Promise<string> {
  const id = await queueVideo(t, (await readFile(clip)).length)
  await copyFile(clip, context.storage.localPath(sourceKey(id)))
  return id
}

async function makeReady(): Promise<string> {
  const id = await queueSource()
  await runJob(context, 'ladder')
  return id
}

async function give(id: string, wish: PosterWish): Promise<void> {
  expect(await t.db.transaction().execute(trx => givePoster(trx, t.boss, id, wish))).toBe(true)
}

/** Grey with a white bar at each end, three times as wide as high. */
async function makePicture(name: string, size = '480x160'): Promise<Buffer> {
  const file = path.join(folder, name)
  const bars = 'drawbox=x=0:w=iw*0.27:color=white:t=fill,drawbox=x=iw*0.73:w=iw*0.27:color=white:t=fill'
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'lavfi', '-i', `color=c=0x808080:s=${size}:d=1`],
    ...['-vf', bars, '-frames:v', '1', file],
  ])
  return readFile(file)
}

const near = (value: number) => expect.closeTo(value, -1)

/** Mean brightness, width and height of what the video names. */
async function describePoster(id: string): Promise<[number, number, number] | null> {
  const { thumbnail } = await readVideo(t.db, id)
  if (!thumbnail) return null
  expect(await listKeys(context, `videos/${id}`)).toContain(thumbnail)
  const file = context.storage.localPath(thumbnail)
  const { stdout: size } = await run('ffprobe', [
    ...['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', file],
  ])
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', file, '-vf', 'scale=1:1:flags=area', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'],
    { encoding: 'buffer' },
  )
  const [width = 0, height = 0] = size.trim().split(',').map(Number)
  return [stdout[0] ?? 0, width, height]
}
