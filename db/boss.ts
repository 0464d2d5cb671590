// pg-boss as pgreel uses it: jobs are sent, completed and failed inside our own transactions.
// Must not know any job's meaning.
import { sql } from 'kysely'
import { fromKysely, type Job, PgBoss, type SendOptions, type WorkOptions } from 'pg-boss'
import type { Trx } from './client.ts'
import { type JobData, type JobName, jobNames, jobs } from './jobs.ts'

export type Boss = PgBoss
export type { Job }

/** The job was taken from this worker (expired, cancelled, given to another): roll back. */
export class JobLost extends Error {
  constructor(job: Pick<Job, 'id' | 'name'>) {
    super(`job ${job.name} ${job.id} is no longer this worker's`)
  }
}

interface BossOptions {
  url: string
  name: string
  /** workers supervise (find dead workers, run cron); the web only sends */
  works: boolean
  onError: (error: Error) => void
}

/** @throws when the queues' schema is missing or of another version: run `pnpm migrate` */
export async function startBoss({ url, name, works, onError }: BossOptions): Promise<Boss> {
  const boss = new PgBoss({
    connectionString: url,
    application_name: name,
    max: works ? 6 : 2,
    migrate: false,
    createSchema: false,
    supervise: works,
    schedule: works,
    useListenNotify: works,
    // A dead worker's job is found heartbeatSeconds (10) plus at most one of these later; the
    // default of 60 would leave a video waiting for a minute.
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  })
  boss.on('error', onError)
  await boss.start()
  return boss
}

/** How a worker takes the jobs of a queue, one at a time in each of `slots`. */
export function workOptions(name: JobName, slots: number) {
  return {
    batchSize: 1,
    localConcurrency: slots,
    // NOTIFY wakes one fetch; a backlog then drains at this pace, and a lost NOTIFY costs no more.
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 0.5,
    ...('heartbeatSeconds' in jobs[name].queue && { heartbeatRefreshSeconds: 2 }),
  } satisfies WorkOptions
}

/** Creates and updates pg-boss's schema, every queue of the catalogue and their schedules. */
export async function migrateBoss(url: string): Promise<void> {
  const boss = new PgBoss({ connectionString: url, max: 2, supervise: false, schedule: false })
  const errors: Error[] = []
  boss.on('error', error => errors.push(error))
  await boss.start()
  try {
    const existing = new Set((await boss.getQueues()).map(queue => queue.name))
    const declare = async (name: JobName) => {
      const declared = jobs[name]
      const { policy, ...options } = declared.queue
      if (existing.has(name)) await boss.updateQueue(name, options)
      else await boss.createQueue(name, { policy, ...options })
      if ('cron' in declared) await boss.schedule(name, declared.cron)
    }
    // A dead-letter queue must exist before the queue that names it.
    const [last, first] = [jobNames.filter(hasDeadLetter), jobNames.filter(name => !hasDeadLetter(name))]
    await Promise.all(first.map(declare))
    await Promise.all(last.map(declare))
  } finally {
    await boss.stop({ graceful: false })
  }
  if (errors[0]) throw errors[0]
}

function hasDeadLetter(name: JobName): boolean {
  return 'deadLetter' in jobs[name].queue
}

/** Queues of the catalogue that the database lacks: it was migrated by an older pgreel. */
export async function missingQueues(boss: Boss): Promise<JobName[]> {
  const existing = new Set((await boss.getQueues()).map(queue => queue.name))
  return jobNames.filter(name => !existing.has(name))
}

/** Of a row of pg-boss's table: has still to run, or runs. */
export const IS_LIVE = sql`state in ('created', 'retry', 'active')`

/** Sends in the transaction that makes the job true. A live job for the same video stays the one. */
export async function send<Name extends JobName>(
  trx: Trx,
  boss: Boss,
  name: Name,
  data: JobData<Name> & { videoId: string },
  options: Pick<SendOptions, 'priority' | 'startAfter' | 'expireInSeconds' | 'deleteAfterSeconds'> = {},
): Promise<void> {
  await boss.send(name, data, { ...options, singletonKey: data.videoId, db: fromKysely(trx) })
}

/** Makes sure that the job is still this worker's, and keeps it so to the end of the transaction. @throws JobLost */
export async function requireOwn(trx: Trx, boss: Boss, job: Job): Promise<void> {
  expectOne(job, await boss.touch(job.name, job, { db: fromKysely(trx) }))
}

/** Completes in the caller's transaction. @throws JobLost when the job is not this attempt's any more */
export async function complete(trx: Trx, boss: Boss, job: Job): Promise<void> {
  expectOne(job, await boss.complete(job.name, job, null, { db: fromKysely(trx) }))
}

/** Gives the job back for a later retry, in the caller's transaction. @throws JobLost */
export async function failJob(trx: Trx, boss: Boss, job: Job, reason: string): Promise<void> {
  expectOne(job, await boss.fail(job.name, job, { reason }, { db: fromKysely(trx) }))
}

/** Ends every live job of a video, in the caller's transaction; a running handler hears its signal. */
export async function cancelJobs(trx: Trx, boss: Boss, videoId: string, names: JobName[]): Promise<void> {
  for (const name of names) {
    const { rows } = await sql<{ id: string }>`
      select id from pgboss.job where name = ${name} and singleton_key = ${videoId} and ${IS_LIVE}`.execute(
      trx,
    )
    const ids = rows.map(row => row.id)
    if (ids.length > 0) await boss.cancel(name, ids, { db: fromKysely(trx) })
  }
}

function expectOne(job: Job, response: { affected?: number }): void {
  if (response.affected !== 1) throw new JobLost(job)
}
