// Data that the oldest migration wrote is taken up by this version, however many there are between.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { startBoss } from '#db/boss.ts'
import { type Db, openDatabase } from '#db/client.ts'
import { isOurStorage } from '#db/installation.ts'
import { listVideos } from '#db/listing.ts'
import { appliedMigrations, knownMigrations, migrate, migrateTables } from '#db/migrate.ts'
import { heartbeat } from '#db/workers.ts'
import { mediaPlaylist } from '#media/playlist.ts'
import { openStorage, type Storage } from '#media/storage.ts'
import { createEmptyDatabase } from '#test/database.ts'
import { storeFile } from '#test/library.ts'
import { liveJobs } from '#test/videos.ts'
import { createWorkerContext, makeFolder, runJob } from '#test/worker.ts'
import { makeBackup } from './backup/make.ts'
import { restoreBackup } from './backup/restore.ts'
import { type Breach, examine } from './doctor/examine.ts'

const OLDEST = '0001_init'
const { signal } = new AbortController()

test('a database of the oldest version goes on after `pnpm migrate`', async () => {
  const { url, dataDir } = await oldInstallation()
  await migrate(url)
  await expectToGoOn(url, dataDir)
})

test('a backup of the oldest version goes on where it is restored', async () => {
  const old = await oldInstallation()
  const folder = path.join(old.dataDir, 'backup')
  const manifest = await makeBackup({
    databaseUrl: old.url,
    storageDir: storageOf(old.dataDir),
    folder,
    signal,
  })
  expect(manifest).toMatchObject({ migrations: [OLDEST], missing: [] })
  const [databaseUrl, dataDir] = [await createEmptyDatabase(), await makeFolder()]
  await restoreBackup({ databaseUrl, storageDir: storageOf(dataDir), folder, signal })
  await expectToGoOn(databaseUrl, dataDir)
})

async function oldInstallation(): Promise<{ url: string; dataDir: string }> {
  const [url, dataDir] = [await createEmptyDatabase(), await makeFolder()]
  const db = open(url)
  await migrateTables(db, OLDEST)
  expect(await appliedMigrations(db)).toEqual([OLDEST])
  await sql
    .raw(await readFile(path.join(import.meta.dirname, '../test/fixtures/0001-data.sql'), 'utf8'))
    .execute(db)
  const storage = await openStorage(storageOf(dataDir))
  await isOurStorage(db, await storage.identity())
  await storeFiles(db, storage)
  return { url, dataDir }
}

async function expectToGoOn(url: string, dataDir: string): Promise<void> {
  const db = open(url)
  const boss = await startBoss({ url, name: 'pgreel-test', works: false, onError: () => {} })
  onTestFinished(() => boss.stop({ graceful: false }))
  expect(await appliedMigrations(db)).toEqual(await knownMigrations())
  const all = { sort: 'new', words: null, tag: null } as const
  expect((await listVideos(db, all, null, 10, null)).map(video => video.title)).toEqual(['replaced', 'ready'])

  const context = await createWorkerContext({ url, db, boss }, { DATABASE_URL: url, DATA_DIR: dataDir })
  await boss.send('sweep', {})
  await runJob(context, 'sweep')
  const ids = await idsByTitle(db)
  for (const title of ['queued', 'processing']) {
    const jobs = await Promise.all(
      (['first', 'ladder'] as const).map(work => liveJobs(boss, work, ids[title] ?? '')),
    )
    expect(jobs.flat(), title).toEqual(['created'])
  }
  expect(await liveJobs(boss, 'purge', ids.deleted ?? '')).toEqual(['created'])

  await heartbeat(db, { id: crypto.randomUUID(), host: 'test', pid: 1, slots: 1 })
  const breaches: Breach[] = []
  for await (const finding of examine({ config: context.config, db, now: Date.now, pause: async () => {} })) {
    expect(finding.ok, finding.check).not.toBeNull()
    breaches.push(...finding.breaches)
  }
  expect(breaches).toEqual([])
}

/** The files that the rows name, in the sizes that they say. */
async function storeFiles(db: Db, storage: Storage): Promise<void> {
  for (const { source_key, received } of await db
    .selectFrom('videos')
    .innerJoin('uploads', 'uploads.video_id', 'videos.id')
    .select(['source_key', 'received'])
    .execute())
    await storeFile(storage, source_key, 'x'.repeat(received))
  for (const { key, bytes, segments } of await db
    .selectFrom('renditions')
    .select(['key', 'bytes', 'segments'])
    .execute()) {
    if (!key.endsWith('.m3u8')) {
      await storeFile(storage, key, 'x'.repeat(bytes))
      continue
    }
    const parts = segments as { uri: string; durationSeconds: number; bytes: number }[]
    const folder = path.posix.dirname(key)
    for (const { uri, bytes: size } of parts) await storeFile(storage, `${folder}/${uri}`, 'x'.repeat(size))
    const init = bytes - parts.reduce((sum, part) => sum + part.bytes, 0)
    await storeFile(storage, `${folder}/init.mp4`, 'x'.repeat(init))
    await storeFile(storage, key, mediaPlaylist({ init: 'init.mp4', segments: parts }))
  }
  for (const { master_key } of await db.selectFrom('publications').select('master_key').execute())
    if (master_key) await storeFile(storage, master_key, '#EXTM3U\n')
}

function open(url: string): Db {
  const db = openDatabase(url, 'pgreel-test', () => {})
  onTestFinished(() => db.destroy())
  return db
}

async function idsByTitle(db: Db): Promise<Record<string, string>> {
  const videos = await db.selectFrom('videos').select(['id', 'title']).execute()
  return Object.fromEntries(videos.map(({ id, title }) => [title, id]))
}

const storageOf = (dataDir: string) => path.join(dataDir, 'storage')
