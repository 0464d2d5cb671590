// Makes a backup: all rows as of one moment, then the files that those rows name. Published files
// and finished sources never change, so it does not matter how much later they are taken.
import { createWriteStream } from 'node:fs'
import { mkdir, opendir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { sql } from 'kysely'
import type pg from 'pg'
import type { Trx } from '#db/client.ts'
import { withConnection } from '#db/connection.ts'
import { copyMediaList, copyOut, inSnapshot, libraryTables } from '#db/dump.ts'
import { rememberedStorage } from '#db/installation.ts'
import { appliedMigrations } from '#db/migrate.ts'
import { errorCode, syncFolder, syncTree } from '#media/disk-files.ts'
import { openStorage, type Storage } from '#media/storage.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { Sentence } from '../say.ts'
import { FORMAT, type Manifest, manifestFile, SUMS, sumOf, tableFile } from './manifest.ts'
import { isThere, keepMedia, mediaList } from './media.ts'

interface Options {
  databaseUrl: string
  storageDir: string
  /** must not exist, or be empty */
  folder: string
  signal: AbortSignal
}

/** @throws Sentence; nothing that looks like a backup is left then, nor after a kill */
export async function makeBackup({ databaseUrl, storageDir, folder, signal }: Options): Promise<Manifest> {
  if (isInside(storageDir, folder))
    throw new Sentence(`${folder} is in the storage, which is what is backed up: name a folder elsewhere.`)
  await requireFree(folder)
  const unfinished = `${folder}.unfinished`
  await makeUnfinished(unfinished)
  try {
    const manifest = await withConnection(databaseUrl, 'pgreel-backup', signal, async (db, client) => {
      const rows = await inSnapshot(db, trx => keepRows(trx, client, unfinished, signal))
      const storage = await openOwnStorage(storageDir, rows.storageId)
      return { ...rows, ...(await keepMedia(db, storage, unfinished, signal)) }
    })
    const sums = await writeSums(unfinished, signal)
    const complete: Manifest = { format: FORMAT, pgreel: packageJson.version, ...manifest, ...sums }
    await writeFile(manifestFile(unfinished), `${JSON.stringify(complete, null, 2)}\n`)
    await syncTree(unfinished)
    await rename(unfinished, folder)
    await syncFolder(path.dirname(folder))
    return complete
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
}

function isInside(outer: string, folder: string): boolean {
  return !/^\.\.(\/|$)/.test(path.relative(outer, folder))
}

async function requireFree(folder: string): Promise<void> {
  const names = await readdir(folder).catch(error => {
    if (errorCode(error) === 'ENOENT') return []
    if (errorCode(error) === 'ENOTDIR')
      throw new Sentence(`${folder} is a file: name a folder that does not exist.`)
    throw error
  })
  if (names.length > 0) throw new Sentence(`${folder} is not empty: give each backup a folder of its own.`)
}

async function makeUnfinished(unfinished: string): Promise<void> {
  await mkdir(path.dirname(unfinished), { recursive: true })
  try {
    // What people wrote and uploaded is nobody else's business.
    await mkdir(unfinished, { mode: 0o700 })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    throw new Sentence(
      `${unfinished} is a backup that was cut off, or one that still runs: delete it if none does.`,
    )
  }
  await mkdir(path.join(unfinished, 'tables'))
}

async function keepRows(trx: Trx, client: pg.PoolClient, folder: string, signal: AbortSignal) {
  const migrations = await appliedMigrations(trx)
  if (migrations.length === 0) throw new Sentence('There is nothing to back up: the database is empty.')
  const tables: Manifest['tables'] = []
  for (const table of await libraryTables(trx)) {
    const rows = copyOut(client, table)
    await pipeline(rows, createGzip(), createWriteStream(path.join(folder, tableFile(table.name))), {
      signal,
    })
    tables.push({ ...table, rows: rows.rowCount })
  }
  await pipeline(copyMediaList(client), createWriteStream(mediaList(folder)), { signal })
  const storageId = await rememberedStorage(trx)
  const { rows } = await sql<{ now: Date }>`select now()`.execute(trx)
  return { takenAt: rows[0]?.now.toISOString() ?? '', migrations, storageId, tables }
}

async function openOwnStorage(storageDir: string, storageId: string | null): Promise<Storage> {
  // Opening makes what is missing, and an empty storage would make an empty backup.
  await stat(storageDir).catch(error => {
    if (errorCode(error) !== 'ENOENT') throw error
    throw new Sentence(`There is no storage at ${storageDir}: correct STORAGE_URL or DATA_DIR.`)
  })
  const storage = await openStorage(storageDir)
  if (storageId !== null && (await storage.identity()) !== storageId)
    throw new Sentence(
      `The storage at ${storageDir} belongs to another database: correct STORAGE_URL or DATA_DIR.`,
    )
  return storage
}

/** Of every file as it is in the backup, so that a copy that went wrong is known as well. */
async function writeSums(folder: string, signal: AbortSignal) {
  const out = createWriteStream(path.join(folder, SUMS))
  let [files, bytes] = [0, 0]
  await pipeline(async function* () {
    for (const top of ['tables', 'media']) {
      for await (const name of filesIn(folder, top)) {
        files += 1
        bytes += (await stat(path.join(folder, name))).size
        yield `${await sumOf(path.join(folder, name), signal)}  ${name}\n`
      }
    }
  }, out)
  return { files, bytes, sums: await sumOf(path.join(folder, SUMS), signal) }
}

async function* filesIn(root: string, folder: string): AsyncGenerator<string> {
  if (!(await isThere(path.join(root, folder)))) return
  for await (const entry of await opendir(path.join(root, folder))) {
    const name = `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* filesIn(root, name)
    else yield name
  }
}
