// Each thing the doctor looks at is broken by hand, and it must say exactly that, in one line.
import { execFile } from 'node:child_process'
import { rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Config, parseConfig } from '#config'
import { openDatabase } from '#db/client.ts'
import { publishGrowing } from '#db/first.ts'
import { isOurStorage } from '#db/installation.ts'
import { migrate } from '#db/migrate.ts'
import { publish } from '#db/publish.ts'
import { enqueueUpload, removeOpenUpload, touchUpload } from '#db/uploads.ts'
import { deleteVideo } from '#db/videos.ts'
import { heartbeat } from '#db/workers.ts'
import { attemptPrefix, sourceKey } from '#media/keys.ts'
import { openStorage, type Storage } from '#media/storage.ts'
import { runCli } from '#test/cli.ts'
import { createTestDatabase } from '#test/database.ts'
import { storeFile, storePublication } from '#test/library.ts'
import {
  claimVideo,
  emptyDatabase,
  growthOf,
  processVideo,
  publicationOf,
  queueVideo,
  startUpload,
  takeAway,
  takeJob,
} from '#test/videos.ts'
import { createWorkerContext, makeFolder, runJob } from '#test/worker.ts'
import { type Context, examine, type Finding } from './doctor/examine.ts'

const t = await createTestDatabase()
const quickFfmpeg = await rememberFfmpeg()
let config: Config
let storage: Storage
let videos: { ready: string; token: string; processing: string; queued: string; uploading: string }
const undo: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  await emptyDatabase(t)
  config = await configure()
  storage = await openStorage(config.storageDir)
  await isOurStorage(t.db, await storage.identity())
  const done = await processVideo(t)
  await storePublication(storage, done.attempt)
  await t.db
    .transaction()
    .execute(trx => publish(trx, t.boss, done.job, done.attempt, publicationOf(done.attempt)))
  const processing = await processVideo(t)
  const [queued, uploading] = [await queueVideo(t), await startUpload(t.db)]
  for (const id of [done.id, processing.id, queued]) await store(sourceKey(id), 'ten bytes.')
  await store(sourceKey(uploading), 'abc')
  videos = { ready: done.id, token: done.attempt.token, processing: processing.id, queued, uploading }
})
afterEach(async () => {
  for (const step of undo.splice(0)) await step()
})

describe('the doctor', () => {
  test('finds nothing where nothing is broken, and says what it looked at', async () => {
    const findings = await findingsOf()
    expect(findings.flatMap(finding => finding.breaches)).toEqual([])
    expect(findings.filter(finding => !finding.ok)).toEqual([])
    const { stdout } = await runDoctor()
    expect(stdout.trim().split('\n')).toHaveLength(findings.length)
    expect(stdout).toContain('ok  jobs: every unfinished video has a live job\n')
  })

  test('does not report what is only between two steps', async () => {
    await forgetJobs(videos.queued)
    const findings = await findingsOf({
      pause: () => t.boss.send('ladder', { videoId: videos.queued }, { singletonKey: videos.queued }),
    })
    expect(linesOf(findings)).toEqual([])
  })

  test('stays silent while videos are made, deleted and purged', async () => {
    const ending = new AbortController()
    const work = churn(ending.signal)
    for (let look = 0; look < 15; look++)
      expect(linesOf(await findingsOf({ pause: () => delay(100) }))).toEqual([])
    ending.abort()
    expect(await work).toBeGreaterThan(5)
  })

  test('as a command prints the line, as text or JSON, and fails', async () => {
    await rm(storage.localPath(`${attemptPrefix(videos.ready, videos.token)}/video.mp4`))
    const line = `videos/${videos.ready}/${videos.token}/video.mp4 is missing, which video ${videos.ready} plays from: restore it from a backup, or delete the video.`
    const asText = await runDoctor()
    expect(asText).toEqual({ status: 1, stdout: `media: ${line}\n` })
    const json = await runDoctor(['--json'])
    expect(json.status).toBe(1)
    const broken = json.stdout
      .trim()
      .split('\n')
      .map(each => JSON.parse(each))
      .filter(finding => !finding.ok)
    expect(broken).toMatchObject([{ check: 'media', breaches: [{ subject: videos.ready, message: line }] }])
  })
})

/** What each break is, and the one line that it must cause. */
const breaks: Record<string, () => Promise<string>> = {
  async 'a database without an address'() {
    config = { ...config, databaseUrl: null }
    return 'postgres: No database: set DATABASE_URL (Postgres 15 or newer), or run `pnpm quickstart`, which brings its own.'
  },
  async 'a job that was deleted'() {
    await forgetJobs(videos.queued)
    return `jobs: video ${videos.queued} is unfinished and has no job: a worker sends it again within a minute; start one.`
  },
  async 'a deleted video without a purge'() {
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, videos.queued))
    await forgetJobs(videos.queued)
    return `purges: video ${videos.queued} is deleted and no job removes its files: a worker sends one within a minute; start one.`
  },
  async 'an uploading video whose upload is gone'() {
    await sql`delete from uploads where video_id = ${videos.uploading}`.execute(t.db)
    return `uploads: video ${videos.uploading} is uploading but has no upload, so it can never finish: delete it.`
  },
  async 'a running attempt that nobody has'() {
    // Cancelled in the middle, but only half of it.
    await takeAway(t, videos.processing)
    await sql`update videos set status = 'cancelled' where id = ${videos.processing}`.execute(t.db)
    const [attempt] = await t.db
      .selectFrom('attempts')
      .select('token')
      .where('outcome', '=', 'running')
      .execute()
    return `attempts: attempt ${attempt?.token} runs, but its worker is dead and no job will be given out again: retry its video.`
  },
  async 'a job without a video'() {
    const videoId = crypto.randomUUID()
    const job = await t.boss.send('ladder', { videoId }, { singletonKey: videoId })
    return `orphan-jobs: job ladder ${job} has no video: delete it from pgboss.job.`
  },
  async 'two current publications'() {
    await sql`drop index publications_one_current`.execute(t.db)
    await sql`insert into publications (id, video_id, seq) values (gen_random_uuid(), ${videos.ready}, 2)`.execute(
      t.db,
    )
    undo.push(async () => {
      await sql`truncate videos cascade`.execute(t.db)
      await sql`create unique index publications_one_current on publications (video_id) where superseded_at is null`.execute(
        t.db,
      )
    })
    return `winners: video ${videos.ready} has two publications or attempts at once: report this, it is a bug.`
  },
  async 'a queue that was dropped'() {
    await t.boss.deleteQueue('sweep')
    undo.push(() => migrate(t.url)) // as the line says
    return 'queues: There is no queue sweep: run `pnpm migrate`.'
  },
  async 'a queue system of another version'() {
    await sql`update pgboss.version set version = version - 1`.execute(t.db)
    undo.push(() => sql`update pgboss.version set version = version + 1`.execute(t.db))
    return expect.stringMatching(/^queues: The queues cannot be used \(.+\): run `pnpm migrate`\.$/)
  },
  async 'a migration that was not run'() {
    const last = await sql<{ name: string; timestamp: string }>`
      delete from kysely_migration where name = (select max(name) from kysely_migration) returning *`.execute(
      t.db,
    )
    const [row] = last.rows
    undo.push(() => sql`insert into kysely_migration values (${row?.name}, ${row?.timestamp})`.execute(t.db))
    return `migrations: The database lacks ${row?.name}: run \`pnpm migrate\`.`
  },
  async 'a migration of a newer version'() {
    await sql`insert into kysely_migration values ('9999_later', '2026')`.execute(t.db)
    undo.push(() => sql`delete from kysely_migration where name = '9999_later'`.execute(t.db))
    return 'migrations: The database has 9999_later, of a newer pgreel: run that version.'
  },
  async 'a server that is too old'() {
    // No old server is at hand: a function that is found before pg_catalog's answers for it.
    await sql`create schema old`.execute(t.db)
    await sql`create function old.current_setting(text) returns text language sql as $$ select '140011' $$`.execute(
      t.db,
    )
    config = { ...config, databaseUrl: `${t.url}?options=-csearch_path%3Dold,pg_catalog,public` }
    undo.push(() => sql`drop schema old cascade`.execute(t.db))
    return 'version: This is Postgres 14, and pgreel needs 15 or newer: upgrade the server.'
  },
  async 'no worker'() {
    await sql`truncate workers`.execute(t.db)
    hasWorker = false
    undo.push(async () => {
      hasWorker = true
    })
    return 'workers: No worker is alive and a video waits: start one with `pnpm worker`.'
  },
  async 'workers that take no job'() {
    await sql`delete from pgboss.job where state = 'active'`.execute(t.db)
    await sql`update pgboss.job set created_on = now() - interval '400 seconds', start_after = now() - interval '400 seconds'
      where name = 'ladder'`.execute(t.db)
    await sql`delete from videos where id = ${videos.processing}`.execute(t.db)
    await rm(storage.localPath(sourceKey(videos.processing)))
    return 'waiting: A job in the queue ladder has waited for 6 minutes and no worker has one of them: restart the workers.'
  },
  async 'an FFmpeg without an encoder'() {
    const fake = path.join(config.dataDir, 'ffmpeg')
    await writeFile(fake, '#!/bin/sh\nffmpeg "$@" | grep -v " libx264"\n', { mode: 0o755 })
    config = await configure({ FFMPEG_PATH: fake }, config.dataDir)
    return expect.stringMatching(/^ffmpeg: \S+\/ffmpeg was built without the encoder libx264: \S.+\.$/)
  },
  async 'an FFmpeg without a muxer'() {
    const fake = path.join(config.dataDir, 'ffmpeg')
    await writeFile(fake, '#!/bin/sh\nffmpeg "$@" | grep -v " hls "\n', { mode: 0o755 })
    config = await configure({ FFMPEG_PATH: fake }, config.dataDir)
    return expect.stringMatching(/^ffmpeg: \S+\/ffmpeg was built without the muxer hls: \S.+\.$/)
  },
  async 'an FFmpeg that is not there'() {
    config = await configure({ FFMPEG_PATH: '/nowhere/ffmpeg' }, config.dataDir)
    return 'ffmpeg: /nowhere/ffmpeg does not run (ENOENT): check FFMPEG_PATH and FFPROBE_PATH.'
  },
  async 'a system that does not give FFmpeg every wall'() {
    missingWalls = ['no network']
    undo.push(async () => {
      missingWalls = []
    })
    return 'walls: This system does not give FFmpeg the wall "no network": see docs/operations.md, FFmpeg’s box.'
  },
  async 'a storage that was moved away'() {
    await rename(config.storageDir, `${config.storageDir}-old`)
    return `storage: There is no storage at ${config.storageDir}: mount it, or correct STORAGE_URL or DATA_DIR.`
  },
  async 'a storage that cannot be written'() {
    // Modes do not keep root from writing; a file in a folder's place keeps everyone.
    const trash = path.join(config.storageDir, '.trash')
    await rm(trash, { recursive: true })
    await writeFile(trash, '')
    return `storage: The storage at ${config.storageDir} cannot be written (EEXIST): check its owner, its mode and its disk.`
  },
  async 'a storage on two file systems'() {
    const trash = path.join(config.storageDir, '.trash')
    await rm(trash, { recursive: true })
    await symlink('/dev/shm', trash)
    return `storage: The folders in ${config.storageDir} are on several file systems: a file must be movable between them.`
  },
  async 'another storage'() {
    await writeFile(path.join(config.storageDir, 'storage-id'), `${crypto.randomUUID()}\n`)
    return `identity: The storage at ${config.storageDir} is not the one this database belongs to: set STORAGE_URL (or DATA_DIR) to that one, for web and workers alike.`
  },
  async 'a disk without room for what was promised'() {
    const id = await startUpload(t.db, 5_000_000_000_000_000)
    undo.push(() => removeOpenUpload(t.db, id))
    return expect.stringMatching(
      /^disk: \S+ has [\d.]+ GB free, and open uploads still need 5000000\.0 GB beside /,
    )
  },
  async 'a source that is gone'() {
    await rm(storage.localPath(sourceKey(videos.queued)))
    return `sources: sources/${videos.queued}, which video ${videos.queued} is made from, is missing: delete the video.`
  },
  async 'a kept source that is gone'() {
    await rm(storage.localPath(sourceKey(videos.ready)))
    return `sources: sources/${videos.ready}, which video ${videos.ready} is made from, is missing: restore it from a backup, or it cannot be made again.`
  },
  async 'an upload that has less than came'() {
    await touchUpload(t.db, videos.uploading, 4)
    return `sources: sources/${videos.uploading}, which video ${videos.uploading} is made from, has 3 bytes, not 4: delete the video.`
  },
  async 'a rendition that nobody knows'() {
    await sql`delete from publication_renditions using renditions
      where renditions.id = rendition_id and token = ${videos.token} and kind = 'video'`.execute(t.db)
    return plays('v240/index.m3u8 has no row in renditions')
  },
  async 'a segment that is gone'() {
    await rm(published('v240/00000.m4s'))
    return plays('v240/00000.m4s is missing')
  },
  async 'a segment that was cut'() {
    await truncate(published('v240/00000.m4s'), 100)
    return plays('v240/00000.m4s has 100 bytes, not 24000')
  },
  async 'an init segment that was cut'() {
    await truncate(published('v240/init.mp4'), 10)
    return plays('v240/index.m3u8 stands for 24010 bytes, not 25000')
  },
  async 'a master playlist that is gone'() {
    await rm(published('master.m3u8'))
    return plays('master.m3u8 is missing')
  },
  async 'an image of a storyboard that is gone'() {
    const key = `${attemptPrefix(videos.ready, videos.token)}/storyboard.vtt`
    const list = 'WEBVTT\n\n00:00.000 --> 00:01.000\nstoryboard.jpg#xywh=0,0,160,90\n'
    await store(key, list)
    await store(key.replace('.vtt', '.jpg'), 'picture')
    await sql`
      with made as (
        insert into renditions (id, video_id, token, kind, key, bytes)
        values (gen_random_uuid(), ${videos.ready}, ${videos.token}, 'poster', ${key}, ${list.length + 7})
        returning id, video_id)
      insert into publication_renditions
      select publications.id, made.id from made join publications using (video_id)`.execute(t.db)
    expect(linesOf(await findingsOf())).toEqual([])
    await rm(published('storyboard.jpg'))
    return plays('storyboard.jpg is missing')
  },
  async 'captions that were cut, whatever they say'() {
    const key = `${attemptPrefix(videos.ready, videos.token)}/captions/00.vtt`
    const text = 'WEBVTT\n\n00:00.000 --> 00:01.000\nnothing.jpg#xywh=0,0,160,90\n'
    await store(key, text)
    await sql`
      with made as (
        insert into renditions (id, video_id, token, kind, key, bytes, label)
        values (gen_random_uuid(), ${videos.ready}, ${videos.token}, 'captions', ${key}, ${text.length}, 'Captions')
        returning id, video_id)
      insert into publication_renditions
      select publications.id, made.id from made join publications using (video_id)`.execute(t.db)
    expect(linesOf(await findingsOf())).toEqual([])
    await truncate(published('captions/00.vtt'), 10)
    return plays(`captions/00.vtt stands for 10 bytes, not ${text.length}`)
  },
  async 'a source that belongs to no video'() {
    const key = sourceKey(crypto.randomUUID())
    await store(key, 'what?')
    return `orphan-files: nothing in the database owns ${key}: delete it from ${config.storageDir}.`
  },
  async 'the files of an attempt that nobody made'() {
    const prefix = attemptPrefix(videos.ready, crypto.randomUUID())
    await store(`${prefix}/video.mp4`, 'what?')
    await store(`${prefix}/poster.jpg`, 'what?')
    return `orphan-files: nothing in the database owns ${prefix}: delete it from ${config.storageDir}.`
  },
  async "a file that is no video's at all"() {
    await store('videos/notes.txt', 'what?')
    return `orphan-files: nothing in the database owns videos/notes.txt: delete it from ${config.storageDir}.`
  },
}

describe('exactly one line is caused by', () => {
  test.each(Object.entries(breaks))('%s', async (_, breakIt) => {
    expect(linesOf(await findingsOf())).toEqual([])
    const line = await breakIt()
    expect(linesOf(await findingsOf())).toEqual([line])
  })

  test('a server that does not answer, which is named without its password', async () => {
    const { stdout, status } = await runDoctor([], {
      DATABASE_URL: 'postgres://pgreel:hunter2@127.0.0.1:1/pgreel',
    })
    expect({ stdout, status }).toEqual({
      status: 1,
      stdout:
        'postgres: No connection to Postgres at 127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1): start it there, or set DATABASE_URL to the right address, user and password.\n',
    })
  })

  test('a machine without FFmpeg', async () => {
    const nothing = { PATH: await makeFolder(), FFMPEG_PATH: '', FFPROBE_PATH: '' }
    const { stdout, status } = await runDoctor([], nothing)
    expect(status).toBe(1)
    expect(stdout).toMatch(/^ffmpeg: FFmpeg was not found: \S.+\.\n$/)
  })

  test.each([
    ['ahead of', 5_000],
    ['behind', -5_000],
  ])('a clock that is %s the database', async (word, skew) => {
    const lines = linesOf(await findingsOf({ now: () => Date.now() + skew }))
    expect(lines).toEqual([
      expect.stringMatching(
        `^clock: This machine's clock is [45]\\.\\d s ${word} the database's: synchronise both`,
      ),
    ])
  })
})

async function configure(env: Record<string, string> = {}, dataDir?: string): Promise<Config> {
  const folder = dataDir ?? (await makeFolder())
  return parseConfig({ DATABASE_URL: t.url, DATA_DIR: folder, ...quickFfmpeg, ...env }, folder)
}

/** What answers as this machine's FFmpeg once did, which loads a hundred libraries to answer. */
async function rememberFfmpeg() {
  const folder = await makeFolder()
  const files = ['-encoders', '-muxers'].map(question => ({ question, file: path.join(folder, question) }))
  for (const { question, file } of files)
    await promisify(execFile)('sh', ['-c', `ffmpeg -v quiet ${question} > ${file}`])
  const program = path.join(folder, 'ffmpeg')
  const cases = files.map(({ question, file }) => `${question}) exec cat ${file};;`)
  await writeFile(program, `#!/bin/sh\ncase "$1" in ${cases.join(' ')} esac\n`, { mode: 0o755 })
  return { FFMPEG_PATH: program, FFPROBE_PATH: program }
}

async function findingsOf(given: Partial<Context> = {}): Promise<Finding[]> {
  await workerLives()
  const url = config.databaseUrl ?? t.url
  const db = openDatabase(url, 'pgreel-test', () => {})
  try {
    const findings = []
    const walls = async () => ({ walls: [], missing: missingWalls, script: '' })
    const context = { config, db, now: Date.now, pause: async () => {}, walls, ...given }
    for await (const finding of examine(context)) findings.push(finding)
    return findings
  } finally {
    await db.destroy()
  }
}

let hasWorker = true
let missingWalls: string[] = []
const WORKER = { id: crypto.randomUUID(), host: 'test', pid: 1, slots: 1 }
async function workerLives(): Promise<void> {
  if (hasWorker) await heartbeat(t.db, WORKER)
}

function linesOf(findings: Finding[]): string[] {
  return findings.flatMap(({ check, breaches }) => breaches.map(({ message }) => `${check}: ${message}`))
}

async function runDoctor(args: string[] = [], env: Record<string, string> = {}) {
  await workerLives()
  const { status, stdout, stderr } = await runCli('doctor.ts', args, {
    ...{ DATABASE_URL: t.url, DATA_DIR: config.dataDir },
    ...env,
  }).ended
  expect(stderr).toBe('')
  return { status, stdout }
}

/** What one video after the other goes through, from its upload to its removal. @returns how many */
async function churn(signal: AbortSignal): Promise<number> {
  const context = { ...(await createWorkerContext(t)), storage }
  let count = 0
  for (; !signal.aborted; count++) {
    const id = await startUpload(t.db)
    await store(sourceKey(id), 'ten bytes.')
    await t.db.transaction().execute(trx => enqueueUpload(trx, t.boss, id))
    const quick = await takeJob(t.boss, 'first')
    const first = await claimVideo(t, id, quick, 'first')
    await t.db.transaction().execute(trx => publishGrowing(trx, t.boss, quick, first, growthOf(first, 2)))
    // The library's own job comes before it.
    let job = await takeJob(t.boss, 'ladder')
    if ((job.data as { videoId: string }).videoId !== id) job = await takeJob(t.boss, 'ladder')
    const attempt = await claimVideo(t, id, job)
    await storePublication(storage, attempt)
    await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, attempt.videoId))
    await runJob(context, 'purge')
    await workerLives()
  }
  return count
}

async function forgetJobs(videoId: string): Promise<void> {
  await sql`delete from pgboss.job where singleton_key = ${videoId}`.execute(t.db)
}

const store = (key: string, content: string) => storeFile(storage, key, content)

function published(name: string): string {
  return storage.localPath(`${attemptPrefix(videos.ready, videos.token)}/${name}`)
}

/** Of a file that the ready video plays from. */
function plays(fault: string): string {
  const prefix = attemptPrefix(videos.ready, videos.token)
  return `media: ${prefix}/${fault}, which video ${videos.ready} plays from: restore it from a backup, or delete the video.`
}
