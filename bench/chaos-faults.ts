// Everything that chaos does. Each says whether it really hit something.
import { open, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Uploaders } from './chaos-uploads.ts'
import type { Keeper, World } from './chaos-world.ts'
import type { BenchContext } from './context.ts'
import { processesIn } from './invariants.ts'
import type { Random } from './random.ts'

interface Chaos {
  context: BenchContext
  world: World
  uploaders: Uploaders
  random: Random
}

export interface Injector {
  name: string
  weight: number
  /** @returns whether it bit */
  inject: (chaos: Chaos) => Promise<boolean>
}

// Beyond a job's heartbeat, so that another worker has it when this one wakes.
const FROZEN_MS = 12_500
const AWAY_MS = 60_000

export const injectors: Injector[] = [
  {
    name: 'worker killed',
    weight: 10,
    inject: ({ world, random }) => hurt(random.pick(world.workers), 'SIGKILL'),
  },
  {
    name: 'worker told to end',
    weight: 4,
    inject: ({ world, random }) => hurt(random.pick(world.workers), 'SIGTERM'),
  },
  { name: 'worker frozen and woken', weight: 4, inject: freeze },
  { name: 'web killed', weight: 4, inject: ({ world }) => hurt(world.web, 'SIGKILL') },
  { name: 'connections ended', weight: 12, inject: endConnections },
  { name: 'Postgres restarted', weight: 2, inject: ({ world }) => world.restartPostgres(0) },
  {
    name: 'Postgres away',
    weight: 0.5,
    inject: ({ context, world, random }) =>
      world.restartPostgres(AWAY_MS * (context.quick ? 0.1 : random.next())),
  },
  { name: 'Postgres backend killed', weight: 2, inject: killBackend },
  { name: 'disk full', weight: 3, inject: fillDisk },
  { name: 'FFmpeg killed', weight: 8, inject: killFfmpeg },
  { name: 'FFmpeg hangs', weight: 4, inject: chaos => order(chaos, 'hang') },
  { name: 'FFmpeg fails', weight: 3, inject: chaos => order(chaos, 'fail') },
  { name: 'FFmpeg writes half', weight: 6, inject: chaos => order(chaos, 'half') },
  { name: 'upload cut', weight: 10, inject: cutUpload },
  { name: 'cancelled and retried', weight: 6, inject: cancelAndRetry },
  { name: 'deleted', weight: 6, inject: deleteOne },
]

async function hurt(keeper: Keeper | undefined, signal: NodeJS.Signals): Promise<boolean> {
  const child = keeper?.child
  if (!child?.pid) return false
  process.kill(child.pid, signal)
  await child.ended
  return true
}

async function freeze({ context, world, random }: Chaos): Promise<boolean> {
  const pid = random.pick(world.workers)?.child?.pid
  if (!pid) return false
  process.kill(pid, 'SIGSTOP')
  const isStopped = /^State:\s+T/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))
  await delay(FROZEN_MS * (0.1 + random.next() * 1.1), undefined, { signal: context.signal })
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // killed meanwhile
  }
  return isStopped
}

async function endConnections({ world, random }: Chaos): Promise<boolean> {
  const share = random.next()
  const { rows } = await sql<{ ended: number }>`
    select count(*) filter (where pg_terminate_backend(pid))::int as ended
    from pg_stat_activity
    where application_name like 'pgreel-w%' and random() < ${share}`.execute(world.stack.db)
  return (rows[0]?.ended ?? 0) > 0
}

/** All of Postgres then begins anew, from its log. */
async function killBackend({ world }: Chaos): Promise<boolean> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where application_name like 'pgreel-w%' limit 1`.execute(world.stack.db)
  const pid = rows[0]?.pid
  if (!pid) return false
  process.kill(pid, 'SIGKILL')
  return true
}

async function fillDisk({ context, world, random }: Chaos): Promise<boolean> {
  if (!world.disk) return false
  const filler = path.join(world.disk, `filler-${random.next()}`)
  try {
    const { bavail, bsize } = await statfs(world.disk)
    await using handle = await open(filler, 'w')
    const block = Buffer.alloc(1 << 20)
    for (let left = bavail * bsize; left > 0; left -= block.length) {
      try {
        await handle.write(block, 0, Math.min(left, block.length))
      } catch {
        break
      }
    }
    const isFull = (await statfs(world.disk)).bavail === 0
    await delay(500 + random.next() * 2500, undefined, { signal: context.signal })
    return isFull
  } finally {
    await rm(filler, { force: true })
  }
}

async function killFfmpeg({ world, random }: Chaos): Promise<boolean> {
  const all = await Promise.all(
    (await ffmpegs(world)).map(async pid => ({
      pid,
      line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    })),
  )
  const pid = random.pick(
    all.filter(({ line }) => world.aim === 'any' || line.includes('low/ffmpeg.m3u8')),
  )?.pid
  if (!pid) return false
  process.kill(pid, 'SIGKILL')
  return true
}

async function ffmpegs({ stack }: World): Promise<number[]> {
  return processesIn(path.join(stack.dataDir, 'scratch'))
}

/** @returns once an FFmpeg has taken the order */
async function order({ context, world, random }: Chaos, what: string): Promise<boolean> {
  const file = path.join(world.orders, `${what}-${world.aim}-${random.next()}`)
  await writeFile(file, '')
  for (let waited = 0; waited < 20_000; waited += 100) {
    await delay(100, undefined, { signal: context.signal })
    if (
      await readFile(file).then(
        () => false,
        () => true,
      )
    )
      return true
  }
  await rm(file, { force: true })
  return false
}

async function cutUpload({ context, uploaders }: Chaos): Promise<boolean> {
  uploaders.cuts += 1
  for (let waited = 0; waited < 10_000; waited += 50) {
    await delay(50, undefined, { signal: context.signal })
    if (uploaders.cuts === 0) return true
  }
  uploaders.cuts = 0
  return false
}

async function cancelAndRetry({ context, world, uploaders, random }: Chaos): Promise<boolean> {
  const id = await unfinished(world, uploaders, random)
  if (!id) return false
  const hasBitten = await ask(world, 'POST', `${id}/cancel`).catch(() => false)
  await delay(random.next() * 3000, undefined, { signal: context.signal })
  // The answer may have been lost: what counts is what it is.
  while ((await statusOf(context, world, id)) === 'cancelled') {
    await ask(world, 'POST', `${id}/retry`).catch(() => {}) // it is asked again
    await delay(200, undefined, { signal: context.signal })
  }
  return hasBitten
}

async function deleteOne({ world, uploaders, random }: Chaos): Promise<boolean> {
  const kept = [...uploaders.done].filter(([, { wish }]) => wish === 'kept').map(([id]) => id)
  const id = random.next() < 0.6 ? await unfinished(world, uploaders, random) : random.pick(kept)
  const promised = id && uploaders.done.get(id)
  if (!promised) return false
  promised.wish = 'unknown'
  const isDone = await ask(world, 'DELETE', id).catch(() => false)
  if (isDone) promised.wish = 'deleted'
  return isDone
}

async function statusOf({ signal }: BenchContext, { stack }: World, id: string): Promise<string | undefined> {
  for (;;) {
    try {
      const rows = await stack.db.selectFrom('videos').select('status').where('id', '=', id).execute()
      return rows[0]?.status
    } catch {
      await delay(200, undefined, { signal }) // Postgres is away
    }
  }
}

async function unfinished(
  { stack }: World,
  { done }: Uploaders,
  random: Random,
): Promise<string | undefined> {
  const rows = await stack.db
    .selectFrom('videos')
    .select('id')
    .where('status', 'in', ['queued', 'processing'])
    .where('deleted_at', 'is', null)
    .execute()
  return random.pick(rows.map(row => row.id).filter(id => done.get(id)?.wish === 'kept'))
}

async function ask({ web }: World, method: string, what: string): Promise<boolean> {
  const answered = await fetch(`${web.url}/api/videos/${what}`, {
    method,
    signal: AbortSignal.timeout(20_000),
  })
  return answered.ok
}
