// Each fault of `pnpm bench chaos` is felt where it should be (a harness whose faults miss proves nothing), and
// after all of them nothing is lost.
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import { expect, test } from 'playwright/test'
import { restAndJudge } from '../bench/chaos.ts'
import { injectors } from '../bench/chaos-faults.ts'
import { Uploaders } from '../bench/chaos-uploads.ts'
import { startWorld, type World } from '../bench/chaos-world.ts'
import type { BenchContext } from '../bench/context.ts'
import { generator } from '../bench/random.ts'

const closing = new AsyncDisposableStack()
const ending = new AbortController()
const random = generator(1)
const context: BenchContext = {
  ...{ quick: true, plot: false, unfenced: false, args: [] },
  ...{ minutes: undefined, seed: undefined, mutants: undefined, swipes: undefined },
  ...{ signal: ending.signal, closing, say: () => {} },
}
let world: World
let uploaders: Uploaders

// After its injector is over: an FFmpeg that hangs is waited for for five seconds (chaos-world.ts), and one that
// failed is followed by another, which looks whether the file is to blame.
const FELT_WITHIN_MS = 8000

test.describe.configure({ mode: 'serial' })
test.beforeAll(async () => {
  test.setTimeout(120_000)
  world = await startWorld(context)
  world.aim = 'ladder'
  // There is always something to hit, and other tests have a machine too.
  uploaders = new Uploaders(context, world, random, { people: 1, mostUnfinished: 3 })
})
test.afterAll(async () => {
  ending.abort()
  await closing.disposeAsync()
})

const attempts = (condition: string) => ask(`select count(*) from attempts where ${condition}`)

/** What is another once the fault was felt, by whom it was meant for. */
const signs: Record<string, () => Promise<unknown>> = {
  'worker killed': async () => world.workers.map(({ child }) => child?.pid),
  'worker told to end': attempts(`outcome = 'handed_back'`),
  // Their heart beats each two seconds.
  'worker frozen and woken': ask(
    `select count(*) from workers where seen_at > clock_timestamp() - interval '4 seconds'`,
  ),
  'web killed': async () => world.web.url,
  'connections ended': ask('select sessions_killed from pg_stat_database where datname = current_database()'),
  'Postgres restarted': ask('select pg_postmaster_start_time()'),
  'Postgres away': ask('select pg_postmaster_start_time()'),
  // The postmaster lives on, and starts all the others again.
  'Postgres backend killed': ask(`select pid from pg_stat_activity where backend_type = 'checkpointer'`),
  'disk full': attempts(`error_code in ('disk_full', 'cut_short', 'enospc')`),
  'FFmpeg killed': attempts(`error_code = 'ffmpeg_killed'`),
  'FFmpeg hangs': attempts(`error_code = 'ffmpeg_hung'`),
  'FFmpeg fails': attempts(`outcome = 'failed' and cause = 'ours'`),
  'FFmpeg writes half': attempts(`error_code = 'ffmpeg_killed'`),
  'upload cut': async () => uploaders.resumed,
  'cancelled and retried': ask(`select count(*) from events where detail ->> 'retry' = 'true'`),
  deleted: async () => {
    const wished = [...uploaders.done].filter(([, { wish }]) => wish === 'deleted').map(([id]) => id)
    const kept = await ask(
      `select count(*) from videos where deleted_at is null and id = any('{${wished}}')`,
    )()
    return wished.length - Number(kept)
  },
}

test('every fault has a sign', () => {
  expect(Object.keys(signs).sort()).toEqual(injectors.map(({ name }) => name).sort())
})

// A disk of our own takes root.
const possible = injectors.filter(({ name }) => name !== 'disk full' || process.getuid?.() === 0)
for (const { name, inject } of possible) {
  test(`${name}: it is felt`, async () => {
    const sign = signs[name] ?? (async () => null)
    await expect(async () => {
      await world.calm()
      const before = await sign()
      const injection = inject({ context, world, uploaders, random })
      const isFelt = feels(async () => !isDeepStrictEqual(await sign(), before), injection)
      expect({ hasBitten: await injection, isFelt: await isFelt }).toEqual({ hasBitten: true, isFelt: true })
    }).toPass({ timeout: 110_000 })
  })
}

test('after all of them nothing is lost, stuck, doubled or left over', async () => {
  test.setTimeout(180_000)
  expect(await restAndJudge(context, world, uploaders)).toEqual([])
})

/** Some are over when their injector is, others are not felt until then. */
async function feels(isThere: () => Promise<boolean>, injection: Promise<unknown>): Promise<boolean> {
  let until = Infinity
  void Promise.allSettled([injection]).then(() => {
    until = performance.now() + FELT_WITHIN_MS
  })
  while (performance.now() < until) {
    if (await isThere()) return true
    await delay(100)
  }
  return false
}

function ask(query: string): () => Promise<unknown> {
  return async () => {
    for (;;) {
      try {
        const { rows } = await sql.raw<Record<string, unknown>>(query).execute(world.stack.db)
        return Object.values(rows[0] ?? {})[0]
      } catch (error) {
        // Postgres is away: it was told to be.
        ending.signal.throwIfAborted()
        await delay(200)
        if (!/terminat|connect|reset|recovery|starting up|shutting|not queryable/i.test(String(error)))
          throw error
      }
    }
  }
}
