// The queues that are compared: each sends in a transaction, as row and job must be one, and works
// with as many slots. Ours is the product's own code with the product's own settings.
import { setTimeout as delay } from 'node:timers/promises'
import { Logger, run } from 'graphile-worker'
import { sql } from 'kysely'
import { startBoss, workOptions } from '#db/boss.ts'
import { jobs } from '#db/jobs.ts'
import { createUpload, enqueueUpload } from '#db/uploads.ts'
import { sourceKey } from '#media/keys.ts'
import type { BenchContext } from './context.ts'
import type { Stack } from './stack.ts'

export const SLOTS = 2

export type Handle = (id: string) => Promise<void>

export interface Queue {
  /** Commits one job. @returns the moment before the commit was sent */
  send: (id: string) => Promise<number>
}

/** A video whose upload ends: row, upload, job and NOTIFY, as the web process does it. */
export async function openPgreel({ closing }: BenchContext, stack: Stack, handle: Handle): Promise<Queue> {
  const onError = (error: Error) => console.error(error)
  const options = { url: stack.databaseUrl, name: 'pgreel-bench', onError }
  const web = await startBoss({ ...options, works: false })
  closing.defer(() => web.stop({ graceful: false }))
  const worker = await startBoss({ ...options, works: true })
  closing.defer(() => worker.stop({ graceful: false }))
  await worker.work<unknown>('ladder', workOptions('ladder', SLOTS), async ([job]) => {
    await handle(jobs.ladder.data.parse(job?.data).videoId)
  })
  return {
    async send(id) {
      await stack.db
        .transaction()
        .execute(trx =>
          createUpload(trx, { id, title: 'A video', length: 1, sourceKey: sourceKey(id), metadata: {} }),
        )
      return stack.db.transaction().execute(async trx => {
        await enqueueUpload(trx, web, id)
        return performance.now()
      })
    },
  }
}

export async function openGraphile({ closing }: BenchContext, stack: Stack, handle: Handle): Promise<Queue> {
  const runner = await run({
    connectionString: stack.databaseUrl,
    concurrency: SLOTS,
    noHandleSignals: true,
    logger: new Logger(() => () => {}),
    taskList: { ladder: payload => handle((payload as { videoId: string }).videoId) },
  })
  closing.defer(() => runner.stop())
  return {
    send: id =>
      stack.db.transaction().execute(async trx => {
        await sql`select graphile_worker.add_job('ladder', json_build_object('videoId', ${id}::text))`.execute(
          trx,
        )
        return performance.now()
      }),
  }
}

/** What is often written by hand: a table, SKIP LOCKED, and a pause when nothing was there. */
export async function openPolling(
  { closing }: BenchContext,
  { db }: Stack,
  handle: Handle,
  everyMs: number,
): Promise<Queue> {
  const table = sql.table(`polled_${everyMs}`)
  await sql`create table ${table} (id uuid primary key, at timestamptz not null default now(), started_at timestamptz)`.execute(
    db,
  )
  await sql`create index on ${table} (at) where started_at is null`.execute(db)
  const stopping = new AbortController()
  const slot = async () => {
    while (!stopping.signal.aborted) {
      const { rows } = await sql<{ id: string }>`
        update ${table} set started_at = now() where id = (
          select id from ${table} where started_at is null order by at for update skip locked limit 1)
        returning id`.execute(db)
      const [job] = rows
      if (job) {
        await handle(job.id)
        await sql`delete from ${table} where id = ${job.id}`.execute(db)
      } else await delay(everyMs)
    }
  }
  const slots = Promise.all(Array.from({ length: SLOTS }, slot))
  closing.defer(async () => {
    stopping.abort()
    await slots
  })
  return {
    send: id =>
      db.transaction().execute(async trx => {
        await sql`insert into ${table} (id) values (${id})`.execute(trx)
        return performance.now()
      }),
  }
}
