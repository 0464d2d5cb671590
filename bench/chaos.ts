// Faults at random, by a seed, while people upload, cancel and delete: `pnpm bench chaos --minutes M --seed S`.
// Everything is real: web, workers, Postgres, tus, FFmpeg, a small disk. When the time is over nothing more
// is done to it, and it has to come to rest by itself: nothing lost, stuck, doubled or left over.
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { injectors } from './chaos-faults.ts'
import { Uploaders } from './chaos-uploads.ts'
import { startWorld, type World } from './chaos-world.ts'
import type { Bench, BenchContext } from './context.ts'
import type { Figure } from './figures.ts'
import { breachesOf, doubles, sweepAtOnce } from './invariants.ts'
import { generator, type Random } from './random.ts'
import type { Stack } from './stack.ts'

const MINUTES = 15
const SECONDS_BETWEEN = 1.1
const RESTS_WITHIN_MS = 300_000

export const bench: Bench = async context => {
  const minutes = context.minutes ?? (context.quick ? 0.7 : MINUTES)
  const seed = context.seed ?? 1
  context.say(`Seed ${seed}, ${minutes} min`)
  const random = generator(seed)
  const world = await startWorld(context)
  const uploaders = new Uploaders(context, world, random)
  const faults = await injectFor(context, minutes * 60_000, world, uploaders, random)
  const found = await restAndJudge(context, world, uploaders)
  for (const sentence of found) context.say(`WRONG: ${sentence}`)
  for (const [name, count] of [...faults].sort()) context.say(`${String(count).padStart(4)} × ${name}`)
  return figuresOf(context, faults, uploaders, found)
}

/** Ends the world. @returns a sentence for each thing that is not as it must be */
export async function restAndJudge(
  context: BenchContext,
  world: World,
  uploaders: Uploaders,
): Promise<string[]> {
  await world.calm()
  await uploaders.stop()
  context.say('Nothing is done to it any more')
  const rested = await comeToRest(context, world)
  await sweepAtOnce(context, world.stack)
  await world.stop()
  return [
    ...(rested ? [] : [`it did not come to rest within ${RESTS_WITHIN_MS / 1000} s`]),
    ...(await judge(world, uploaders)),
    ...(await doubles(world.stack)),
    ...(await breachesOf(world.stack)),
  ]
}

function figuresOf(
  { quick, minutes }: BenchContext,
  faults: Map<string, number>,
  uploaders: Uploaders,
  found: string[],
): Figure[] {
  const total = [...faults.values()].reduce((sum, count) => sum + count, 0)
  const isWhole = !quick && minutes === undefined
  return [
    { figure: 'faults that bit', value: total, unit: '', bound: { atLeast: isWhole ? 500 : 1 } },
    {
      figure: 'kinds of faults',
      value: faults.size,
      unit: '',
      bound: isWhole ? { atLeast: injectors.length } : null,
    },
    { figure: 'videos uploaded', value: uploaders.done.size, unit: '', bound: { atLeast: 1 } },
    { figure: 'lost, stuck, doubled, left over', value: found.length, unit: '', bound: { atMost: 0 } },
  ]
}

async function injectFor(
  context: BenchContext,
  milliseconds: number,
  world: World,
  uploaders: Uploaders,
  random: Random,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const underWay = new Set<Promise<void>>()
  const until = performance.now() + milliseconds
  while (performance.now() < until) {
    await delay(SECONDS_BETWEEN * 2000 * random.next(), undefined, { signal: context.signal })
    const { name, inject } = random.weighted(injectors)
    const work = inject({ context, world, uploaders, random }).then(
      hasBitten => {
        if (hasBitten) counts.set(name, (counts.get(name) ?? 0) + 1)
      },
      error => context.say(`${name}: ${error}`),
    )
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }
  await Promise.all(underWay)
  return counts
}

/** Nothing waits and nothing runs, of what has come. */
async function comeToRest({ signal }: BenchContext, { stack }: World): Promise<boolean> {
  const deadline = performance.now() + RESTS_WITHIN_MS
  while (performance.now() < deadline) {
    const { rows } = await sql<{ rests: boolean }>`
      select not exists (select from videos where status in ('queued', 'processing'))
        and not exists (select from videos where deleted_at is not null)
        and not exists (select from pgboss.job where name not in ('sweep', 'tidy')
          and state in ('created', 'retry', 'active') and name not like '\\_\\_%') as rests`.execute(stack.db)
    if (rows[0]?.rests) return true
    await delay(200, undefined, { signal })
  }
  return false
}

/** What people were promised. */
async function judge({ stack }: World, { done }: Uploaders): Promise<string[]> {
  const rows = await stack.db.selectFrom('videos').select(['id', 'status', 'error_code']).execute()
  const found: string[] = []
  for (const [id, { wish, faults }] of done) {
    found.push(...faults.map(fault => `upload ${id}: ${fault}`))
    const row = rows.find(video => video.id === id)
    if (wish === 'deleted') {
      if (row) found.push(`${id} was deleted and is ${row.status}`)
    } else if (!row && wish === 'unknown') {
      // deleted, as it was wished
    } else if (!row) found.push(`${id} is lost`)
    else if (row.status !== 'ready') found.push(`${id} is ${row.status}: ${await historyOf(stack, id)}`)
  }
  return found
}

/** Such as `first crashed, ladder failed (world ffmpeg_killed)`. */
async function historyOf({ db }: Stack, id: string): Promise<string> {
  const attempts = await db
    .selectFrom('attempts')
    .select(['kind', 'outcome', 'cause', 'error_code', 'error_message'])
    .where('video_id', '=', id)
    .orderBy('started_at')
    .execute()
  return attempts
    .map(({ kind, outcome, cause, error_code, error_message }) =>
      [kind, outcome, cause && `(${cause} ${error_code}: ${error_message})`].filter(Boolean).join(' '),
    )
    .join(', ')
}
