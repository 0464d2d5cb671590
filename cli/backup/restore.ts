// Restores a backup into an empty place: everything is read and checked before anything is written;
// the files stand beside the storage's own until the rows are ready, and the rows come in one
// transaction with every migration since.
import { createReadStream, existsSync } from 'node:fs'
import { constants, copyFile, mkdir, rename, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type pg from 'pg'
import { type Boss, migrateBoss, startBoss } from '#db/boss.ts'
import type { Db, Trx } from '#db/client.ts'
import { withConnection } from '#db/connection.ts'
import { libraryTables, loadTables } from '#db/dump.ts'
import { isOurStorage } from '#db/installation.ts'
import { appliedMigrations, knownMigrations, migrateTables, requirePostgresVersion } from '#db/migrate.ts'
import { connectedProcesses, forgetVideos, hasVideos, resumeWork } from '#db/restore.ts'
import { readHealth } from '#db/workers.ts'
import { errorCode, syncFolder, syncTree } from '#media/disk-files.ts'
import { openStorage, type Storage } from '#media/storage.ts'
import { Sentence } from '../say.ts'
import { type Manifest, mediaFile, readManifest, tableFile, verify } from './manifest.ts'

const TOPS = ['sources', 'videos']

interface Options {
  databaseUrl: string
  storageDir: string
  folder: string
  signal: AbortSignal
}

/** @throws Sentence, and no video or file was written; after any other error, look at the place first */
export async function restoreBackup({ databaseUrl, storageDir, folder, signal }: Options): Promise<Manifest> {
  const manifest = await readManifest(folder)
  await requireKnown(manifest)
  // Until the last step, which takes no time and may not be left half done.
  const stoppable = new AbortController()
  const stop = () => stoppable.abort(signal.reason)
  signal.addEventListener('abort', stop)
  await withConnection(databaseUrl, 'pgreel-restore', stoppable.signal, async (db, client) => {
    await requirePostgresVersion(db)
    // First, because to read a large backup takes an hour; and again, because an hour is long.
    const requireReady = async () => {
      await requireEmptyDatabase(db, manifest)
      return openEmptyStorage(storageDir)
    }
    await requireReady()
    const keys = await verify(folder, manifest, signal)
    const aside = asideOf(storageDir)
    let isUnsure = false
    try {
      await copyMedia(folder, keys, aside, signal)
      const storage = await requireReady()
      await using boss = await prepareQueues(databaseUrl)
      await db.transaction().execute(async trx => {
        await loadRows(trx, client, folder, manifest)
        if (!(await isOurStorage(trx, await storage.identity())))
          throw new Sentence(
            `The database remembers another storage than ${storageDir}: give it an empty database.`,
          )
        await resumeWork(trx, boss)
        signal.throwIfAborted()
        signal.removeEventListener('abort', stop)
        await moveIn(aside, storageDir)
        isUnsure = true
      })
      isUnsure = false
    } finally {
      // It stays as a mark where the files are in their place, and the rows may not be.
      if (!isUnsure) await rm(aside, { recursive: true, force: true })
    }
  })
  return manifest
}

/** Before the rows: whatever happens between, no video is without its job. */
async function prepareQueues(databaseUrl: string): Promise<Boss & AsyncDisposable> {
  await migrateBoss(databaseUrl)
  const boss = await startBoss({
    url: databaseUrl,
    name: 'pgreel-restore',
    works: false,
    onError: () => {},
  })
  return Object.assign(boss, { [Symbol.asyncDispose]: () => boss.stop({ graceful: false }) })
}

async function requireKnown(manifest: Manifest): Promise<void> {
  const known = await knownMigrations()
  const unknown = manifest.migrations.find((name, index) => known[index] !== name)
  if (unknown)
    throw new Sentence(
      `The backup was made by pgreel ${manifest.pgreel}, which has ${unknown}: restore it with that version or a newer one.`,
    )
}

async function requireEmptyDatabase(db: Db, manifest: Manifest): Promise<void> {
  const running = await connectedProcesses(db)
  if (running.length > 0) throw new Sentence(`Stop pgreel first: ${running.join(' and ')} use this database.`)
  if (await hasVideos(db)) throw new Sentence('The database has videos: restore into an empty one.')
  const applied = await appliedMigrations(db)
  if (applied.length > 0 && (await readHealth(db)).workersAlive > 0)
    throw new Sentence('Stop pgreel first: a worker of this database is alive.')
  const tooNew = applied[manifest.migrations.length]
  if (tooNew)
    throw new Sentence(
      `The database has ${tooNew} already, which the backup has not: restore into a new database, it is brought up to date then.`,
    )
}

async function openEmptyStorage(storageDir: string): Promise<Storage> {
  const storage = await openStorage(storageDir)
  for (const top of TOPS)
    for await (const { key } of storage.list(top))
      throw new Sentence(
        `The storage at ${storageDir} is not empty (it has ${key}): restore into an empty one.${
          existsSync(asideOf(storageDir))
            ? ` A restore was cut off there; where nobody has used it since, delete ${TOPS.join(' and ')} in it.`
            : ''
        }`,
      )
  return storage
}

const asideOf = (storageDir: string) => path.join(storageDir, '.restoring')

/** Beside the storage's folders, under a name that is no key: nobody sees half of it. */
async function copyMedia(folder: string, keys: string[], aside: string, signal: AbortSignal): Promise<void> {
  await rm(aside, { recursive: true, force: true })
  for (const top of TOPS) await mkdir(path.join(aside, top), { recursive: true })
  for (const key of keys) {
    signal.throwIfAborted()
    await mkdir(path.dirname(path.join(aside, key)), { recursive: true })
    await copyFile(path.join(folder, mediaFile(key)), path.join(aside, key), constants.COPYFILE_FICLONE)
  }
  await syncTree(aside)
}

async function loadRows(trx: Trx, client: pg.PoolClient, folder: string, manifest: Manifest): Promise<void> {
  await migrateTables(trx, manifest.migrations.at(-1))
  const ours = new Set((await libraryTables(trx)).map(table => table.name))
  const foreign = manifest.tables.find(({ name }) => !ours.has(name))
  if (foreign) throw new Sentence(`The backup has a table ${foreign.name}, which is none of pgreel's.`)
  const open = ({ name }: { name: string }) =>
    // Whoever reads the end hears of an error as well.
    pipeline(createReadStream(path.join(folder, tableFile(name))), createGunzip(), () => {})
  const loaded = await loadTables(trx, client, manifest.tables, open)
  for (const { name, rows } of manifest.tables)
    if (loaded.get(name) !== rows)
      throw new Sentence(`${tableFile(name)} has ${loaded.get(name)} rows, not ${rows}.`)
  await forgetVideos(trx, manifest.goneMeanwhile)
  await migrateTables(trx)
}

/** By rename, onto empty folders; before the commit, so that rows never name what is not there. */
async function moveIn(aside: string, storageDir: string): Promise<void> {
  for (const top of TOPS) {
    await rmdir(path.join(storageDir, top)).catch(error => {
      if (errorCode(error) === 'ENOTEMPTY')
        throw new Sentence(`Stop pgreel first: something was written to ${storageDir} meanwhile.`)
      if (errorCode(error) !== 'ENOENT') throw error
    })
  }
  for (const top of TOPS) await rename(path.join(aside, top), path.join(storageDir, top))
  await syncFolder(storageDir)
}
