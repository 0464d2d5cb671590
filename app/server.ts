// What the web process has one of: configuration, database, queue, storage, the listening
// connection. Made on first use, kept on globalThis (Next.js loads this module more than once).

import { log } from '#app/log.ts'
import { Refusal } from '#app/problem.ts'
import { type Config, loadConfig, requireDatabaseUrl } from '#config'
import { type Boss, startBoss } from '#db/boss.ts'
import { type Db, openDatabase } from '#db/client.ts'
import { isOurStorage, readViewerSecret } from '#db/installation.ts'
import { openStorage, type Storage } from '#media/storage.ts'

export interface Server {
  config: Config
  databaseUrl: string
  db: Db
  /** Of views and likes alone, however many come at once: who plays a video never waits behind them. */
  countsDb: Db
  storage: Storage
  /** Sends jobs; needs current migrations, so it is started when first needed. */
  boss: () => Promise<Boss>
  /** what viewers' cookies are signed with */
  viewerSecret: () => Promise<string>
}

const holder = globalThis as typeof globalThis & { pgreelServer?: Promise<Server> | undefined }

export function server(): Promise<Server> {
  if (!holder.pgreelServer) {
    const opening = open()
    holder.pgreelServer = opening
    // A start that failed (the database is not there yet) is tried again by the next request.
    opening.catch(() => {
      if (holder.pgreelServer === opening) holder.pgreelServer = undefined
    })
  }
  return holder.pgreelServer
}

async function open(): Promise<Server> {
  // `next` always runs in the project's folder; a bundled module cannot tell where it was written.
  const config = loadConfig(process.cwd())
  const databaseUrl = requireDatabaseUrl(config)
  const onError = (error: Error) => log.warn({ err: error }, 'database connection failed')
  const db = openDatabase(databaseUrl, 'pgreel-web', onError)
  // A like that waits for the disk makes all others of its video wait: they may be on it a moment later.
  const options = '-c synchronous_commit=off'
  // In a rush they stand in line; who is told to come again makes it longer.
  const waits = { max: 2, connectionTimeoutMillis: 60_000 }
  const countsDb = openDatabase(databaseUrl, 'pgreel-web', onError, { ...waits, options })
  try {
    const storage = await openStorage(config.storageDir)
    if (!(await isOurStorage(db, await storage.identity()))) {
      throw new Refusal(
        503,
        'wrong_storage',
        `The storage at ${config.storageDir} belongs to another database: check STORAGE_URL and DATA_DIR.`,
      )
    }
    return {
      ...{ config, databaseUrl, db, countsDb, storage },
      boss: once(() => startBoss({ url: databaseUrl, name: 'pgreel-web', works: false, onError })),
      viewerSecret: once(() => readViewerSecret(db)),
    }
  } catch (error) {
    await Promise.all([db, countsDb].map(each => each.destroy()))
    throw error
  }
}

/** Made when it is first asked for; what failed is tried again by the next who asks. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let making: Promise<T> | null = null
  return () => {
    if (!making) {
      making = make()
      making.catch(() => {
        making = null
      })
    }
    return making
  }
}
