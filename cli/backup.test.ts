// A backup is made while people upload and delete, and restored into an empty place: there everything
// plays, and what was unfinished finishes.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startBoss } from '#db/boss.ts'
import { type Db, openDatabase } from '#db/client.ts'
import { giveCaptions, givePoster } from '#db/given.ts'
import { isOurStorage } from '#db/installation.ts'
import { migrate } from '#db/migrate.ts'
import { touchUpload } from '#db/uploads.ts'
import { deleteVideo } from '#db/videos.ts'
import { heartbeat } from '#db/workers.ts'
import { sourceKey, videoPrefix } from '#media/keys.ts'
import type { Storage } from '#media/storage.ts'
import { runCli } from '#test/cli.ts'
import { makeClip } from '#test/clips.ts'
import { createEmptyDatabase, createTestDatabase } from '#test/database.ts'
import { growVideo, processVideo, queueVideo, readVideo, startUpload } from '#test/videos.ts'
import { createWorkerContext, listKeys, makeFolder, runJob } from '#test/worker.ts'
import { makeBackup } from './backup/make.ts'
import { restoreBackup } from './backup/restore.ts'
import { type Breach, examine } from './doctor/examine.ts'

type Context = Awaited<ReturnType<typeof createWorkerContext>>

const t = await createTestDatabase()
const { signal } = new AbortController()
// Kysely's: one migrates at a time.
const MIGRATION_LOCK = '3853314791062309107'
const WAIT = { timeout: 30_000 }
let source: Context
let clip: string
let clipBytes: number
let ids: Record<
  | 'ready'
  | 'failed'
  | 'whole'
  | 'deleted'
  | 'goneLater'
  | 'processing'
  | 'growing'
  | 'queued'
  | 'half'
  | 'unbegun',
  string
>
/** a backup of that library, made while it changed */
let backup: string

beforeAll(async () => {
  source = await createWorkerContext(t, { LADDER: '120' })
  await isOurStorage(t.db, await source.storage.identity())
  clip = await makeClip(await makeFolder(), 'clip.mp4', { width: 160, height: 120, seconds: 1 })
  clipBytes = (await stat(clip)).size
  ids = await makeLibrary()
  backup = path.join(await makeFolder(), 'backup')
})

describe('a backup', () => {
  let before: Record<string, unknown>
  test('is made of one moment, while people upload and delete', async () => {
    before = await rowsOf(t.db)
    const pause = await pauseBackup()
    const making = makeBackup({ ...place(), folder: backup, signal })
    await pause.reached()
    // After the moment: these must not be in it.
    await sql`update videos set title = 'later' where id = ${ids.ready}`.execute(pause.trx)
    await appendFile(source.storage.localPath(sourceKey(ids.half)), 'later')
    await touchUpload(pause.trx, ids.half, halfOf(clipBytes) + 5)
    await deleteVideo(pause.trx, t.boss, ids.goneLater)
    await pause.end()
    const load = writeLoad(making)
    for (const _ of [ids.deleted, ids.goneLater]) await runJob(source, 'purge')
    const manifest = await making
    expect(await load).toBeGreaterThan(0)
    expect(manifest).toMatchObject({ goneMeanwhile: [ids.goneLater], missing: [] })
    expect(manifest.tables.find(table => table.name === 'videos')?.rows).toBe(Object.keys(ids).length)
    expect((await readdir(backup)).sort()).toEqual(['SHA256SUMS', 'manifest.json', 'media', 'tables'])
    await expectSums(backup)
  })

  test('restores into an empty place: the same rows, the same bytes, and the doctor is content', async () => {
    const there = await restored()
    const { goneLater, processing, growing, ...kept } = ids
    const after = await rowsOf(there.db)
    for (const [name, id] of Object.entries(kept)) expect(after[id], name).toEqual(before[id])
    expect(after[goneLater]).toBeUndefined()
    const { rows } = await sql`
      select status, outcome from videos join attempts on video_id = videos.id
      where videos.id in (${processing}, ${growing}) and publication_id is null`.execute(there.db)
    expect(rows).toEqual([
      { status: 'queued', outcome: 'crashed' },
      { status: 'queued', outcome: 'crashed' },
    ])
    const hashes = await hashesOf(there.storage, videoPrefix(ids.ready))
    expect(Object.keys(hashes).length).toBeGreaterThan(5)
    expect(hashes).toEqual(await hashesOf(source.storage, videoPrefix(ids.ready)))
    expect(await breachesOf(there)).toEqual([])
  })

  test('goes on where it was: a worker finishes whatever was unfinished, an upload resumes', async () => {
    const there = await restored()
    const half = there.storage.localPath(sourceKey(ids.half))
    expect((await stat(half)).size).toBe(halfOf(clipBytes))
    await appendFile(half, (await readFile(clip)).subarray(halfOf(clipBytes)))
    await there.boss.send('sweep', {})
    await runJob(there, 'sweep')
    await runJob(there, 'purge')
    // queued, processing, growing, the half and the whole upload
    for (const work of ['first', 'ladder'] as const)
      for (let jobs = 0; jobs < 5; jobs++) await runJob(there, work)
    for (const name of ['ready', 'queued', 'processing', 'growing', 'half', 'whole'] as const)
      expect(await readVideo(there.db, ids[name]), name).toMatchObject({ status: 'ready', error_code: null })
    expect((await readVideo(there.db, ids.failed)).error_code).toBe('not_a_video')
    expect((await readVideo(there.db, ids.unbegun)).status).toBe('uploading')
    const { rows } = await sql`select from videos where id = ${ids.deleted}`.execute(there.db)
    expect(rows).toEqual([])
    expect(await breachesOf(there)).toEqual([])
    // A number that an old event has would be refused.
    await there.db.transaction().execute(trx => deleteVideo(trx, there.boss, ids.ready))
  })
})

describe('a backup that is not whole', () => {
  test('never looks like one: cut off by a kill it leaves no DIR, by a signal nothing at all', async () => {
    const folder = path.join(await makeFolder(), 'backup')
    for (const how of ['SIGKILL', 'SIGTERM'] as const) {
      const pause = await pauseBackup()
      const child = runCli('backup.ts', [folder], { DATABASE_URL: t.url, DATA_DIR: source.config.dataDir })
      await pause.reached()
      child.process.kill(how)
      await child.ended
      await pause.end()
      expect(existsSync(folder)).toBe(false)
      expect(existsSync(`${folder}.unfinished`)).toBe(how === 'SIGKILL')
      if (how === 'SIGTERM') continue
      const to = await emptyPlace()
      await expect(restoreBackup({ ...to, folder: `${folder}.unfinished`, signal })).rejects.toThrow(
        'is no backup',
      )
      await expect(makeBackup({ ...place(), folder, signal })).rejects.toThrow(
        'cut off, or one that still runs',
      )
      await rm(`${folder}.unfinished`, { recursive: true })
    }
    await makeBackup({ ...place(), folder, signal })
    await expect(makeBackup({ ...place(), folder, signal })).rejects.toThrow('is not empty')
  })

  test('is a restore that was cut off: nothing of it is there, and the next one succeeds', async () => {
    for (const how of ['SIGKILL', 'SIGTERM'] as const) {
      const to = await emptyPlace()
      const dataDir = path.dirname(to.storageDir)
      // Between the files and the rows: migrations wait for each other.
      const other = openDatabase(to.databaseUrl, 'pgreel-test', () => {})
      onTestFinished(() => other.destroy())
      const child = runCli('restore.ts', [backup], { DATABASE_URL: to.databaseUrl, DATA_DIR: dataDir })
      await other.transaction().execute(async trx => {
        await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(trx)
        const waiting = sql<{ pid: number }>`
          select pid from pg_stat_activity where application_name = 'pgreel-restore' and wait_event = 'advisory'`
        await expect.poll(async () => (await waiting.execute(t.db)).rows.length, WAIT).toBe(1)
        child.process.kill(how)
        const { status, stderr } = await child.ended
        if (how === 'SIGTERM') {
          expect({ status, stderr }).toMatchObject({
            status: 130,
            stderr: expect.stringContaining('nothing was written'),
          })
        }
      })
      expect(existsSync(path.join(to.storageDir, '.restoring'))).toBe(how === 'SIGKILL')
      await restoreBackup({ ...to, folder: backup, signal })
      expect(existsSync(path.join(to.storageDir, '.restoring'))).toBe(false)
    }
  })

  test('is refused in the storage itself', async () => {
    const inside = path.join(source.config.storageDir, 'videos/backup')
    await expect(makeBackup({ ...place(), folder: inside, signal })).rejects.toThrow('is in the storage')
  })

  const damages: Record<string, (folder: string) => Promise<string>> = {
    async 'a changed segment'(folder) {
      const [key] = (await listKeys(source, videoPrefix(ids.ready))).filter(name => name.endsWith('.m4s'))
      const bytes = await readFile(path.join(folder, 'media', key ?? ''))
      bytes[100] = (bytes[100] ?? 0) ^ 1
      await writeFile(path.join(folder, 'media', key ?? ''), bytes)
      return `media/${key} in the backup ${folder} is damaged`
    },
    async 'a table that is cut'(folder) {
      await truncate(path.join(folder, 'tables/videos.copy.gz'), 40)
      return `tables/videos.copy.gz in the backup ${folder} is damaged`
    },
    async 'a file that is gone'(folder) {
      await rm(path.join(folder, 'media', sourceKey(ids.queued)))
      return `media/${sourceKey(ids.queued)} is missing from the backup ${folder}`
    },
    async 'a list that was edited'(folder) {
      await appendFile(path.join(folder, 'SHA256SUMS'), '\n')
      return `SHA256SUMS in the backup ${folder} is damaged`
    },
    async 'a list that leads outside'(folder) {
      const sums = path.join(folder, 'SHA256SUMS')
      await appendFile(sums, `${'0'.repeat(64)}  media/videos/../../../etc/passwd\n`)
      await editManifest(folder, {
        sums: createHash('sha256')
          .update(await readFile(sums))
          .digest('hex'),
      })
      return `SHA256SUMS in ${folder} lists media/videos/../../../etc/passwd, which is no part of a backup`
    },
    async 'a manifest of another format'(folder) {
      await editManifest(folder, { format: 2 })
      return `manifest.json is damaged, or of a newer pgreel`
    },
    async 'migrations that this version does not know'(folder) {
      await editManifest(folder, { migrations: ['0001_init', '9999_later'] })
      return 'which has 9999_later: restore it with that version'
    },
    async 'rows that do not add up'(folder) {
      const { tables } = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'))
      tables[0].rows += 1
      await editManifest(folder, { tables })
      return `tables/${tables[0].name}.copy.gz has ${tables[0].rows - 1} rows, not ${tables[0].rows}`
    },
  }
  test.each(Object.entries(damages))('is refused by name, and nothing is written: %s', async (_, damage) => {
    const folder = await copyOfBackup()
    const sentence = await damage(folder)
    const to = await emptyPlace()
    await expect(restoreBackup({ ...to, folder, signal })).rejects.toThrow(sentence)
    await restoreBackup({ ...to, folder: backup, signal }) // still empty, or it would be refused
  })
})

describe('a place that is not empty is refused', () => {
  test('with a video in the database', async () => {
    const { storageDir } = await emptyPlace()
    await expect(restoreBackup({ databaseUrl: t.url, storageDir, folder: backup, signal })).rejects.toThrow(
      'The database has videos',
    )
  })

  test('with a file in the storage', async () => {
    const to = await emptyPlace()
    await mkdir(path.join(to.storageDir, 'sources'), { recursive: true })
    await writeFile(path.join(to.storageDir, 'sources/x'), '')
    await expect(restoreBackup({ ...to, folder: backup, signal })).rejects.toThrow(
      /is not empty \(it has sources\/x\).+empty one\.$/,
    )
    await mkdir(path.join(to.storageDir, '.restoring'))
    await expect(restoreBackup({ ...to, folder: backup, signal })).rejects.toThrow(
      /A restore was cut off there; .+ delete sources and videos in it\.$/,
    )
  })

  test('while a web process is connected, or a worker lives', async () => {
    const to = await emptyPlace()
    const web = openDatabase(to.databaseUrl, 'pgreel-web', () => {})
    await sql`select`.execute(web)
    await expect(restoreBackup({ ...to, folder: backup, signal })).rejects.toThrow(
      'pgreel-web use this database',
    )
    await web.destroy()
    await migrate(to.databaseUrl)
    const worker = openDatabase(to.databaseUrl, 'somewhere', () => {})
    await heartbeat(worker, { id: crypto.randomUUID(), host: 'test', pid: 1, slots: 1 })
    await worker.destroy()
    await expect(restoreBackup({ ...to, folder: backup, signal })).rejects.toThrow(
      'a worker of this database is alive',
    )
  })
})

async function makeLibrary(): Promise<typeof ids> {
  const stored = async (file: string) => {
    const id = await queueVideo(t, (await stat(file)).size)
    await copyFile(file, source.storage.localPath(sourceKey(id)))
    return id
  }
  const made = async (file: string) => {
    const id = await stored(file)
    await runJob(source, 'ladder')
    return id
  }
  const arrived = async (bytes: number) => {
    const id = await startUpload(t.db, clipBytes)
    await writeFile(source.storage.localPath(sourceKey(id)), (await readFile(clip)).subarray(0, bytes))
    await touchUpload(t.db, id, bytes)
    return id
  }
  const noVideo = path.join(await makeFolder(), 'notes.mp4')
  await writeFile(noVideo, 'no video at all')
  const [ready, deleted, goneLater, failed] = [
    await made(clip),
    await made(clip),
    await made(clip),
    await made(noVideo),
  ]
  const { id: processing } = await processVideo(t, clipBytes)
  await copyFile(clip, source.storage.localPath(sourceKey(processing)))
  const { id: growing } = await growVideo(t, 2, clipBytes)
  await copyFile(clip, source.storage.localPath(sourceKey(growing)))
  await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, deleted))
  const queued = await stored(clip)
  await t.db.transaction().execute(async trx => {
    await givePoster(trx, t.boss, ready, { atSeconds: 0.5 })
    await givePoster(trx, t.boss, queued, { image: Buffer.from('\x00\xff\\a picture\n', 'latin1') })
    await giveCaptions(trx, queued, 'en', 'WEBVTT\n')
  })
  await runJob(source, 'poster')
  return {
    ...{ ready, deleted, goneLater, failed, processing, growing, queued },
    half: await arrived(halfOf(clipBytes)),
    whole: await arrived(clipBytes),
    unbegun: await startUpload(t.db, clipBytes),
  }
}

const halfOf = (bytes: number) => Math.floor(bytes / 2)
const place = () => ({ databaseUrl: t.url, storageDir: source.config.storageDir })

async function emptyPlace() {
  return { databaseUrl: await createEmptyDatabase(), storageDir: path.join(await makeFolder(), 'storage') }
}

/** Restores the backup, as a context in which a worker can work. */
async function restored(): Promise<Context> {
  const dataDir = await makeFolder()
  const databaseUrl = await createEmptyDatabase()
  await restoreBackup({ databaseUrl, storageDir: path.join(dataDir, 'storage'), folder: backup, signal })
  const db = openDatabase(databaseUrl, 'pgreel-test', () => {})
  const boss = await startBoss({ url: databaseUrl, name: 'pgreel-test', works: false, onError: () => {} })
  onTestFinished(async () => {
    await boss.stop({ graceful: false })
    await db.destroy()
  })
  return createWorkerContext(
    { url: databaseUrl, db, boss },
    { LADDER: '120', DATABASE_URL: databaseUrl, DATA_DIR: dataDir },
  )
}

/** Stops the next backup in the middle of its tables, after its moment; `trx` can still write. */
async function pauseBackup() {
  const trx = await t.db.startTransaction().execute()
  onTestFinished(async () => {
    if (!trx.isCommitted) await trx.rollback().execute()
  })
  await sql`lock table events in access exclusive mode`.execute(trx)
  return {
    trx,
    reached: () =>
      expect
        .poll(async () => {
          const { rows } = await sql`
            select from pg_stat_activity
            where application_name = 'pgreel-backup' and datname = current_database() and wait_event_type = 'Lock'`.execute(
            t.db,
          )
          return rows.length
        }, WAIT)
        .toBe(1),
    end: () => trx.commit().execute(),
  }
}

/** Videos come, change and go until `making` is over. @returns how many */
async function writeLoad(making: Promise<unknown>): Promise<number> {
  let [count, isOver] = [0, false]
  const over = () => {
    isOver = true
  }
  making.then(over, over)
  for (; !isOver; count++) {
    const id = await queueVideo(t)
    await writeFile(source.storage.localPath(sourceKey(id)), 'ten bytes.')
    if (count % 2) await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))
  }
  return count
}

/** All that is known of each video. */
async function rowsOf(db: Db): Promise<Record<string, unknown>> {
  const { rows } = await sql<{ id: string }>`
    select id, to_jsonb(videos) as video,
      (select jsonb_agg(of order by of.video_id) from uploads of where video_id = videos.id) as uploads,
      (select jsonb_agg(of order by of.token) from attempts of where video_id = videos.id) as attempts,
      (select jsonb_agg(of order by of.id) from renditions of where video_id = videos.id) as renditions,
      (select jsonb_agg(of order by of.id) from publications of where video_id = videos.id) as publications,
      (select jsonb_agg(of order by of.id) from events of where video_id = videos.id) as events,
      (select jsonb_agg(of) from given_captions of where video_id = videos.id) as captions,
      (select jsonb_agg(of) from given_posters of where video_id = videos.id) as poster
    from videos`.execute(db)
  return Object.fromEntries(rows.map(row => [row.id, row]))
}

async function hashesOf(storage: Storage, prefix: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for await (const { key } of storage.list(prefix))
    hashes[key] = createHash('sha256')
      .update(await readFile(storage.localPath(key)))
      .digest('hex')
  return hashes
}

async function breachesOf({ db, config }: Context): Promise<Breach[]> {
  await heartbeat(db, { id: crypto.randomUUID(), host: 'test', pid: 1, slots: 1 })
  const breaches: Breach[] = []
  for await (const finding of examine({
    config,
    db,
    now: () => Date.now() + 3_600_000,
    pause: async () => {},
  }))
    if (finding.check !== 'clock') breaches.push(...finding.breaches)
  return breaches
}

/** As an operator would, with coreutils. */
async function expectSums(folder: string): Promise<void> {
  const child = spawn('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: folder })
  expect(await once(child, 'close')).toEqual([0, null])
}

/** Not of links: what is done to it must not reach the storage. */
async function copyOfBackup(): Promise<string> {
  const folder = path.join(await makeFolder(), 'copy')
  await cp(backup, folder, { recursive: true })
  return folder
}

async function editManifest(folder: string, changes: object): Promise<void> {
  const file = path.join(folder, 'manifest.json')
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...changes }))
}
