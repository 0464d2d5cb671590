// `pnpm backup` and `pnpm restore` where nothing is configured: the embedded Postgres, running or not.
import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type Db, openDatabase } from '#db/client.ts'
import { migrate } from '#db/migrate.ts'
import { openStorage } from '#media/storage.ts'
import { runCli } from '#test/cli.ts'
import { readVideo, startUpload } from '#test/videos.ts'
import { makeFolder } from '#test/worker.ts'
import { takeLock } from './lock.ts'
import { startPostgres } from './postgres.ts'

test('without DATABASE_URL, both use the embedded Postgres, and start and stop it unless it runs', async () => {
  const [from, to] = [await makeDataDir(), await makeDataDir()]
  const folder = path.join(from, 'backup')
  let id = ''
  await asQuickstart(from, async db => {
    id = await startUpload(db)
    await openStorage(path.join(from, 'storage'))
    expect(await run('backup.ts', [`${folder}-live`], from)).toMatchObject({ status: 0, stderr: '' })
    expect((await readVideo(db, id)).status).toBe('uploading') // it still runs
    const refused = await run('restore.ts', [`${folder}-live`], from)
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('pgreel already runs on') })
  })

  expect(await run('backup.ts', [folder], from)).toMatchObject({ status: 0, stderr: '' })
  expect(existsSync(path.join(from, 'postgres-url'))).toBe(false)
  expect(await run('restore.ts', [folder], to)).toMatchObject({ status: 0, stderr: '' })
  expect(existsSync(path.join(to, 'postgres-url'))).toBe(false)

  await asQuickstart(to, async db => expect((await readVideo(db, id)).status).toBe('uploading'))
})

test('a place without a database has nothing to back up', async () => {
  const dataDir = await makeDataDir()
  const result = await run('backup.ts', [path.join(dataDir, 'backup')], dataDir)
  expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining('There is no database in') })
})

test('a command without its folder says how it is used', async () => {
  const result = await run('restore.ts', [], '/nowhere')
  expect(result).toMatchObject({ status: 1, stdout: expect.stringContaining('Usage: pnpm restore DIR') })
})

/** With the lock and a migrated Postgres, as quickstart has them. */
async function asQuickstart(dataDir: string, use: (db: Db) => Promise<void>): Promise<void> {
  const lock = await takeLock(dataDir)
  const postgres = await startPostgres(dataDir, () => {})
  const db = openDatabase(postgres.url, 'pgreel-test', () => {})
  try {
    await migrate(postgres.url)
    await use(db)
  } finally {
    await db.destroy()
    await postgres.stop()
    await lock.release()
  }
}

async function makeDataDir(): Promise<string> {
  const folder = await makeFolder()
  await chmod(folder, 0o711) // Postgres runs as another user when we are root
  return folder
}

function run(file: string, args: string[], dataDir: string) {
  return runCli(file, args, { DATABASE_URL: '', DATA_DIR: dataDir }).ended
}
