// The parts of pgreel that a bench needs, as in production, each on a free port and in a folder that
// disappears: Postgres, the web process of the production build, a worker.
import { chmod, copyFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { build, isBuildCurrent } from '#cli/build.ts'
import { anyFreePort } from '#cli/ports.ts'
import { startPostgres } from '#cli/postgres.ts'
import { type Child, startChild } from '#cli/processes.ts'
import { nextCommand, root, workerCommand } from '#cli/project.ts'
import { Sentence } from '#cli/say.ts'
import { cancelJobs, send, startBoss } from '#db/boss.ts'
import { type Db, openDatabase } from '#db/client.ts'
import { migrate } from '#db/migrate.ts'
import { createUpload, enqueueUpload } from '#db/uploads.ts'
import { sourceKey } from '#media/keys.ts'
import { openStorage } from '#media/storage.ts'
import type { BenchContext } from './context.ts'

const UP_WITHIN_MS = 60_000

export interface Stack {
  databaseUrl: string
  /** the bench's own connections */
  db: Db
  dataDir: string
  /** its processes say nothing here: what goes wrong in them is meant to */
  isQuiet?: boolean
}

/** A throw-away Postgres, migrated, and a folder for everything else. */
export async function startDatabase({ closing, signal, say }: BenchContext): Promise<Stack> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'pgreel-bench-'))
  closing.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  // Postgres may run as another user than we do.
  await chmod(dataDir, 0o711)
  const postgres = await startPostgres(dataDir, say, { throwaway: true })
  closing.defer(() => postgres.stop())
  signal.throwIfAborted()
  await migrate(postgres.url)
  const db = openDatabase(postgres.url, 'pgreel-bench', () => {})
  closing.defer(() => db.destroy())
  return { databaseUrl: postgres.url, db, dataDir }
}

let built: Promise<void> | null = null

/** Once, whoever else waits for it. */
export function ensureBuilt({ say, signal }: BenchContext): Promise<void> {
  if (!built && !isBuildCurrent()) {
    say('Building')
    built = build('nothing', signal)
  }
  return built ?? Promise.resolve()
}

/** @returns the process and its address */
export async function startWeb(
  context: BenchContext,
  stack: Stack,
  settings: Record<string, string> = {},
): Promise<Child & { url: string }> {
  await ensureBuilt(context)
  const port = await anyFreePort('127.0.0.1')
  const [node, args] = nextCommand('start', '127.0.0.1', port)
  const web = start(context, stack, 'web', node, args, settings)
  const url = `http://127.0.0.1:${port}`
  await untilUp(context, web, () =>
    fetch(`${url}/api/health`).then(
      response => response.ok,
      () => false, // not listening yet
    ),
  )
  return { ...web, url }
}

export async function startWorker(
  context: BenchContext,
  stack: Stack,
  settings: Record<string, string>,
): Promise<Child> {
  const [node, args] = workerCommand({ watch: false })
  const worker = start(context, stack, 'worker', node, args, settings)
  await untilUp(context, worker, async () => worker.tail().includes('worker ready'))
  return worker
}

function start(
  { closing }: BenchContext,
  { databaseUrl, dataDir, isQuiet }: Stack,
  name: string,
  node: string,
  args: string[],
  settings: Record<string, string> = {},
): Child {
  const own = { DATABASE_URL: databaseUrl, DATA_DIR: dataDir, NODE_ENV: 'production' }
  // Whatever this shell or a .env beside the project says: production's defaults are what is measured.
  const defaults = { STORAGE_URL: '', MEDIA_BASE_URL: '', LADDER: '', LOG_LEVEL: '', RATE_LIMIT: 'off' }
  const child = startChild(name, node, args, {
    cwd: root,
    env: { ...defaults, ...own, ...settings },
    show: isQuiet ? 'nothing' : 'problems',
  })
  closing.defer(() => child.stop())
  return child
}

async function untilUp(context: BenchContext, child: Child, isUp: () => Promise<boolean>): Promise<void> {
  let how: string | null = null
  void child.ended.then(ending => {
    how = ending.how
  })
  const deadline = performance.now() + UP_WITHIN_MS
  await waitUntil(context, async () => {
    if (await isUp()) return true
    if (how === null && performance.now() < deadline) return false
    throw new Sentence(`The ${child.name} process did not come up (${how ?? 'too late'}):\n${child.tail()}`)
  })
}

/** Asks often: what is measured may begin or end at any moment. */
export async function waitUntil({ signal }: BenchContext, isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(50, undefined, { signal })
}

/** @param condition on a row of `videos`, as SQL */
export async function waitForStatus(context: BenchContext, { db }: Stack, ids: string[], condition: string) {
  await waitUntil(context, async () => {
    const { rows } = await sql<{ met: boolean; error: string | null }>`
      select ${sql.raw(condition)} as met, error_message as error
      from videos
      where id = any(${ids}::uuid[])`.execute(db)
    const failed = rows.find(row => row.error !== null)
    if (failed) throw new Error(`a video failed: ${failed.error}`)
    return rows.length === ids.length && rows.every(row => row.met)
  })
}

/**
 * Puts a file into the storage and queues it, as the last byte of an upload does.
 * @param work to begin with; a ladder can do without a first rung
 * @returns the video's id
 */
export async function addVideo(
  stack: Stack,
  file: string,
  work: 'first' | 'ladder' = 'first',
): Promise<string> {
  const id = crypto.randomUUID()
  const storage = await openStorage(path.join(stack.dataDir, 'storage'))
  await copyFile(file, path.join(storage.sourcesDir, id))
  const { size } = await stat(file)
  const boss = await startBoss({
    url: stack.databaseUrl,
    name: 'pgreel-bench',
    works: false,
    onError: () => {},
  })
  try {
    await stack.db.transaction().execute(async trx => {
      const upload = { id, title: 'A video', length: size, sourceKey: sourceKey(id), metadata: {} }
      await createUpload(trx, upload)
    })
    await stack.db.transaction().execute(async trx => {
      await enqueueUpload(trx, boss, id)
      if (work === 'first') return
      await cancelJobs(trx, boss, id, ['first'])
      await send(trx, boss, work, { videoId: id })
    })
  } finally {
    await boss.stop({ graceful: false })
  }
  return id
}
