// What the web process has one of: configuration, database, queue, storage, the listening
// connection. Made on first use, kept on globalThis (Next.js loads this module more than once).

import { log } from '#app/log.ts'
import { Refusal } from '#app/problem.ts'
import { type Config, loadConfig, requireDatabaseUrl } from '#config'
import { type Boss, startBoss } from '#db/boss.ts'
import { type Db, openDatabase } from '#db/client.ts'
import { isOurStorage } from '#db/installation.ts'
import { openStorage, type Storage } from '#media/storage.ts'

export interface Server {
  config: Config
  databaseUrl: string
  db: Db
  storage: Storage
  /** Sends jobs; needs current migrations, so it is started when first needed. */
  boss: () => Promise<Boss>
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
  try {
    const storage = await openStorage(config.storageDir)
    if (!(await isOurStorage(db, await storage.identity()))) {
      throw new Refusal(
        503,
        'wrong_storage',
        `The storage at ${config.storageDir} belongs to another database: check STORAGE_URL and DATA_DIR.`,
      )
    }
    return { config, databaseUrl, db, storage, boss: lazyBoss(databaseUrl, onError) }
  } catch (error) {
    await db.destroy()
    throw error
  }
}

function lazyBoss(url: string, onError: (error: Error) => void): () => Promise<Boss> {
  let starting: Promise<Boss> | null = null
  return () => {
    if (!starting) {
      starting = startBoss({ url, name: 'pgreel-web', works: false, onError })
      starting.catch(() => {
        starting = null
      })
    }
    return starting
  }
}
