// `pnpm worker`: one process that runs FFmpeg, one of any number. Proves at its start that it can do
// the work (database, migrations, storage, FFmpeg, queues), or exits with a sentence.
import { hostname } from 'node:os'
import path from 'node:path'
import { type Config, loadConfig, requireDatabaseUrl } from '#config'
import { type Boss, missingQueues, startBoss, workOptions } from '#db/boss.ts'
import { type Db, openDatabase, requireConnection } from '#db/client.ts'
import { isOurStorage } from '#db/installation.ts'
import { type JobData, type JobName, jobNames, jobs } from '#db/jobs.ts'
import { pendingMigrations } from '#db/migrate.ts'
import { HEARTBEAT_SECONDS, heartbeat, removeWorker, type WorkerIdentity } from '#db/workers.ts'
import { openLog } from '#log'
import { openStorage, type Storage } from '#media/storage.ts'
import { aborted, toldToStop } from '#process/told-to-stop.ts'
import type { Handler, WorkerContext } from './context.ts'
import { askAhead, installLauncher, type Launcher, requireEncoders } from './ffmpeg/launcher.ts'
import { handlers } from './handlers.ts'
import { sweepScratch } from './scratch.ts'

// Within what a service manager allows before it kills.
const STOP_WITHIN_MS = 8000
// Work that somebody waits for, beside any number of ladders, which give way to it. Long ones share the
// processor with the next short one; more of them would only take memory.
const FIRST_SLOTS = 4

async function main(): Promise<void> {
  const { signal: stopping } = toldToStop()
  const root = path.dirname(import.meta.dirname)
  const config = loadConfig(root)
  const log = openLog('worker', config.logLevel)
  const url = requireDatabaseUrl(config)
  const name = 'pgreel-worker'
  const onError = (error: Error) => log.warn({ err: error }, 'database connection failed')
  await requireConnection(url)
  const db = openDatabase(url, name, onError)
  const [storage, { launcher, version }] = await Promise.all([
    openOwnStorage(db, config, root),
    prepareFfmpeg(config),
  ])
  if (launcher.missing.length > 0)
    log.warn({ missing: launcher.missing }, 'this system cannot give FFmpeg every wall')
  const worker: WorkerIdentity = {
    id: crypto.randomUUID(),
    host: hostname(),
    pid: process.pid,
    slots: config.workerConcurrency,
  }
  // Scratch is this machine's: workers of one DATA_DIR share it, and clean up after each other.
  const scratchRoot = path.join(config.dataDir, 'scratch')
  const boss = await startBoss({ url, name, works: true, onError })
  await requireQueues(boss)
  await sweepScratch(db, scratchRoot)
  const context: WorkerContext = {
    ...{ db, boss, storage, config, log, scratchRoot, stopping },
    workerId: worker.id,
  }
  void askAhead()
  for (const jobName of jobNames) await serve(context, jobName)
  await heartbeat(db, worker)
  const beat = setInterval(() => {
    heartbeat(db, worker).catch(onError) // the next one is two seconds away
  }, HEARTBEAT_SECONDS * 1000)
  log.info({ worker: worker.id, slots: worker.slots, ffmpeg: version, walls: launcher.walls }, 'worker ready')

  await aborted(stopping)
  log.info({ reason: stopping.reason.message }, 'worker stopping')
  setTimeout(() => {
    log.error('worker did not stop in time')
    process.exit(1)
  }, STOP_WITHIN_MS).unref()
  clearInterval(beat)
  await boss.stop({ graceful: true, timeout: STOP_WITHIN_MS - 2000 })
  await removeWorker(db, worker.id).catch(onError) // without a database its heartbeat ages by itself
  await db.destroy()
  log.info('worker stopped')
}

async function prepareFfmpeg(config: Config): Promise<{ launcher: Launcher; version: string }> {
  const launcher = await installLauncher(path.join(config.dataDir, 'launcher'), config)
  return { launcher, version: await requireEncoders(launcher.ffmpeg) }
}

/** The storage, once database and storage are known to be the ones that the web process uses. */
async function openOwnStorage(db: Db, config: Config, root: string): Promise<Storage> {
  const pending = await pendingMigrations(db, path.join(root, 'db'))
  if (pending.length > 0) {
    throw new Error(`The database lacks migrations (${pending.join(', ')}): run \`pnpm migrate\`.`)
  }
  const storage = await openStorage(config.storageDir)
  if (!(await isOurStorage(db, await storage.identity()))) {
    throw new Error(
      `The storage at ${config.storageDir} is not the one the web process writes to: set STORAGE_URL (or DATA_DIR) to the same folder on both.`,
    )
  }
  return storage
}

/** The catalogue's type loses the link between name and data in a loop; the entry's parser restores it. */
async function serve<Name extends JobName>(context: WorkerContext, name: Name): Promise<void> {
  const handler: Handler<Name> = handlers[name]
  const slots: Partial<Record<JobName, number>> = {
    first: FIRST_SLOTS,
    ladder: context.config.workerConcurrency,
  }
  const concurrency = slots[name] ?? 1
  await context.boss.work<unknown>(name, workOptions(name, concurrency), async ([job]) => {
    if (!job || context.stopping.aborted) throw new Error('worker stopping')
    const data = jobs[name].data.parse(job.data)
    const log = context.log.child(requestOf(data))
    await handler(
      { ...context, log },
      data as Parameters<Handler<Name>>[1],
      job as Parameters<Handler<Name>>[2],
    )
  })
}

/** What a job's lines carry of the request that caused it. */
function requestOf(data: JobData<JobName>): { requestId?: string } {
  return data && 'requestId' in data ? { requestId: data.requestId } : {}
}

async function requireQueues(boss: Boss): Promise<void> {
  const missing = await missingQueues(boss)
  if (missing.length > 0)
    throw new Error(`The database lacks queues (${missing.join(', ')}): run \`pnpm migrate\`.`)
}

main().catch((error: Error) => {
  // Before the log exists, or about it: one sentence for the operator, causes below.
  process.stderr.write(`The worker cannot start. ${error.message}\n`)
  if (error.cause instanceof Error) process.stderr.write(`  ${error.cause.message}\n`)
  process.exit(1)
})
