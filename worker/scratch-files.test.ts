// Programs in FFmpeg's place that leave links and pipes where files are to be: no file of ours is written or
// read through them, and nobody waits for what never comes.
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { attemptsOf, emptyDatabase, queueUpload, queueVideo, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, makeFolder, runJob, useFfmpeg } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { readScratch, writeScratch } from './scratch-files.ts'

const run = promisify(execFile)
const SECRET = 'hunter2'

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
let victim: string
let clip: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '72' })
  folder = await makeFolder()
  victim = path.join(folder, 'victim')
  // Its colours take a table.
  const hdr = ['-color_trc', 'arib-std-b67', '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc']
  const size = { width: 128, height: 72, fps: 10, seconds: 4 }
  clip = await makeClip(folder, 'clip.mp4', { ...size, options: hdr })
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
  await writeFile(victim, SECRET)
})

describe('in a scratch folder', () => {
  let scratch: string
  beforeEach(async () => {
    scratch = await makeFolder()
    await mkdir(path.join(scratch, 'v72'))
    await symlink(victim, path.join(scratch, 'v72/link'))
    await symlink(folder, path.join(scratch, 'elsewhere'))
    await run('mkfifo', [path.join(scratch, 'v72/pipe')])
    await writeFile(path.join(scratch, 'v72/large'), '')
    await truncate(path.join(scratch, 'v72/large'), 2 ** 30)
  })

  test.each(['v72/link', 'elsewhere/victim', 'v72/pipe', 'v72/large', 'v72'])(
    '%s is not read',
    async name => {
      await expect(readScratch(scratch, name)).rejects.toThrow()
    },
  )

  test.each(['v72/link', 'v72/pipe'])('%s is replaced by what is written there', async name => {
    await writeScratch(scratch, name, 'ours')
    expect((await readScratch(scratch, name)).toString()).toBe('ours')
    expect(await readFile(victim, 'utf8')).toBe(SECRET)
  })

  test('nothing is written through a folder that is a link', async () => {
    await expect(writeScratch(scratch, 'elsewhere/victim', 'ours')).rejects.toThrow()
    expect(await readFile(victim, 'utf8')).toBe(SECRET)
  })
})

describe('links that a program leaves', () => {
  const leave = (pass: string, links: string) =>
    useFfmpeg(
      context,
      `ffmpeg "$@"; code=$?; case "$*" in *${pass}*) for name in ${links}; do ln -sf '${victim}' $name; done;; esac; exit $code`,
    )

  test.each([
    ['while the sound is heard', 'ebur128', 'colour.cube'],
    ['beside the segments', 'low/ffmpeg.m3u8', 'master.m3u8 v72/index.m3u8 audio/index.m3u8'],
  ])('%s lead nowhere, and the video is whole', async (_, pass, links) => {
    await leave(pass, links)
    const id = await queue(queueVideo)
    await runJob(context, 'ladder')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready' })
    expect(await readFile(victim, 'utf8')).toBe(SECRET)
    expect((await stat(victim)).mode & 0o777).toBe(0o644)
  })

  test('and files that are links are not published', async () => {
    await leave('low/ffmpeg.m3u8', 'v72/00001.m4s')
    const id = await queue(queueVideo)
    await runJob(context, 'ladder').catch(() => {})
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'failed', cause: 'ours' }])
    expect(await readFile(victim, 'utf8')).toBe(SECRET)
  })
})

test.each([
  ['ladder', queueVideo, 'ffmpeg "$@"; code=$?; rm low/00000.m4s; mkfifo low/00000.m4s; exit $code'],
  [
    'first',
    queueUpload,
    "cd v72; mkfifo init.mp4 00000.m4s; printf '#EXTM3U\\n#EXTINF:1,\\n00000.m4s\\n' >ffmpeg.m3u8; sleep 1",
  ],
] as const)('a pipe in the place of a segment is not waited for: %s', async (kind, queueKind, program) => {
  await useFfmpeg(context, program)
  const id = await queue(queueKind)
  await runJob(context, kind).catch(() => {})
  expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'failed', cause: 'ours' }])
})

async function queue(queueKind: typeof queueVideo): Promise<string> {
  const id = await queueKind(t, (await readFile(clip)).length)
  await copyFile(clip, path.join(context.storage.sourcesDir, id))
  return id
}
