// What must hold whatever was done to a stack, asked as the doctor asks it; for the harnesses.
import { readdir, readlink } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { checks } from '#cli/doctor/checks.ts'
import { parseConfig } from '#config'
import { startBoss } from '#db/boss.ts'
import type { BenchContext } from './context.ts'
import { type Stack, waitUntil } from './stack.ts'

const ASKED = [
  ...['jobs', 'purges', 'uploads', 'attempts', 'orphan-jobs', 'winners', 'sources', 'media', 'orphan-files'],
]

/** One sentence for each thing that is wrong, while nothing is at work. */
export async function breachesOf({ db, databaseUrl, dataDir }: Stack): Promise<string[]> {
  const config = parseConfig({ DATABASE_URL: databaseUrl, DATA_DIR: dataDir }, dataDir)
  // An hour from now no file is too young to be looked at.
  const context = { db, config, now: () => Date.now() + 3_600_000, pause: async () => {} }
  const found: string[] = []
  for (const name of ASKED) {
    const check = checks.find(known => known.name === name)
    if (!check) throw new Error(`the doctor has no check ${name}`)
    for (const { message } of await check.find(context)) found.push(`${name}: ${message}`)
  }
  for (const folder of ['scratch', 'storage/.trash']) {
    const left = await readdir(path.join(dataDir, folder)).catch(() => [])
    if (left.length > 0) found.push(`${left.length} left in ${folder}`)
  }
  const strays = await processesIn(path.join(dataDir, 'scratch'))
  if (strays.length > 0) found.push(`processes left: ${strays.join(', ')}`)
  return found
}

/** Those that work in a folder or below it: FFmpeg does, in its attempt's scratch. */
export async function processesIn(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of (await readdir('/proc')).map(Number).filter(id => id > 0)) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '') // it may have ended
    if (cwd.startsWith(`${folder}/`)) found.push(pid)
  }
  return found
}

/** Videos that were finished more than once; of none was a ladder asked for again. */
export async function doubles({ db }: Stack): Promise<string[]> {
  const { rows } = await sql<{ id: string; what: string }>`
    select video_id as id, 'ladders that won' as what from attempts
    where kind = 'ladder' and outcome = 'won' group by video_id having count(*) > 1
    union all
    select video_id, 'times it became ready' from events
    where stage = 'ready' group by video_id having count(*) > 1`.execute(db)
  return rows.map(({ id, what }) => `${id}: more than one of the ${what}`)
}

/** Brings forward what waits for time to pass, and lets a worker sweep. */
export async function sweepAtOnce(context: BenchContext, { db, databaseUrl }: Stack): Promise<void> {
  await sql`update attempts set ended_at = ended_at - interval '1 hour' where outcome <> 'running'`.execute(
    db,
  )
  await sql`update publications set superseded_at = superseded_at - interval '1 day'`.execute(db)
  await sql`update uploads set expires_at = now() - interval '1 hour' where finished_at is null`.execute(db)
  const boss = await startBoss({ url: databaseUrl, name: 'pgreel-bench', works: false, onError: () => {} })
  try {
    // The clock's own may run just now, and has seen less.
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      const id = await boss.send('sweep', {})
      await waitUntil(context, async () => {
        const { rows } = await sql<{ over: boolean }>`
          select bool_and(state = 'completed') as over from pgboss.job where name = 'sweep' and id = ${id}`.execute(
          db,
        )
        return rows[0]?.over ?? true
      })
    }
  } finally {
    await boss.stop({ graceful: false })
  }
}
