// A power cut before every single step of upload → ready: the web process or a worker is killed before its
// n-th statement or file operation, for n = 1, 2, 3 … until one comes through; then others go on, and all of
// the doctor's invariants are asked. Several lanes at once, each with a database and a folder of its own.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { openDatabase } from '#db/client.ts'
import { migrate } from '#db/migrate.ts'
import { makeClip } from '#test/clips.ts'
import type { Bench, BenchContext } from './context.ts'
import type { Figure } from './figures.ts'
import { breachesOf, sweepAtOnce } from './invariants.ts'
import { addVideo, type Stack, startDatabase, startWeb, startWorker, waitUntil } from './stack.ts'
import { stubbornUpload } from './stubborn-upload.ts'

const LANES = 4
const SETTINGS = { LADDER: '240,144', RATE_LIMIT: 'off' }
const KILL_AT = pathToFileURL(path.join(import.meta.dirname, 'kill-at.ts')).href

interface Outcome {
  /** before which it was killed; null: it came to its end before its n-th step */
  step: string | null
  /** what was not as it should be after others went on */
  faults: string[]
}

type Kill = (lane: Stack, nth: number) => Promise<Outcome>

export const bench: Bench = async context => {
  const lanes = await makeLanes(context)
  const clip = await makeClip(lanes[0]?.dataDir ?? '', 'clip.mp4', { seconds: 2 })
  const killWorker: Kill = async (lane, nth) => {
    const { settings, lastStep } = await arm(lane, nth)
    const victim = await startWorker(context, lane, { ...SETTINGS, ...settings })
    process.kill(victim.pid, 'SIGUSR2')
    const id = await addVideo(lane, clip)
    const isKilled = await Promise.race([
      victim.ended.then(() => true),
      waitUntil(context, () => isSettled(lane)).then(() => false),
    ])
    await victim.stop()
    return { step: isKilled ? await lastStep() : null, faults: await goOn(context, lane, id) }
  }
  const killWeb: Kill = async (lane, nth) => {
    const { settings, lastStep } = await arm(lane, nth)
    let web = await startWeb(context, lane, { ...SETTINGS, ...settings })
    process.kill(web.pid, 'SIGUSR2')
    let isKilled = false
    let isFollowed = false
    void web.ended.then(() => {
      isKilled = true
    })
    const bytes = await readFile(clip)
    const sent = await stubbornUpload(context, bytes, async () => {
      if (isKilled && !isFollowed) {
        isFollowed = true
        web = await startWeb(context, lane, SETTINGS)
      }
      return web.url
    })
    const step = isKilled ? await lastStep() : null
    await web.stop()
    const faults = [...sent.faults, ...(await goOn(context, lane, sent.id))]
    const kept = await readFile(path.join(lane.dataDir, 'storage/sources', sent.id)).catch(() => '')
    if (digest(kept) !== digest(bytes)) faults.push(`other bytes arrived: ${kept.length} of ${bytes.length}`)
    return { step, faults }
  }
  return [
    ...figuresOf('worker', await untilOneComesThrough(context, lanes, killWorker)),
    ...figuresOf('web', await untilOneComesThrough(context, lanes, killWeb)),
  ]
}

function figuresOf(name: string, outcomes: Outcome[]): Figure[] {
  const kills = outcomes.filter(({ step }) => step !== null)
  const well = outcomes.filter(({ faults }) => faults.length === 0)
  const share = (100 * well.length) / outcomes.length
  return [
    { figure: `${name} killed before so many steps`, value: kills.length, unit: '', bound: { atLeast: 10 } },
    { figure: `${name}: all was well after it`, value: share, unit: '%', bound: { atLeast: 100 } },
  ]
}

/** n counts up over all lanes. Once one was not killed, others may have steps that it had not: one more is tried. */
async function untilOneComesThrough(
  { say, quick, signal }: BenchContext,
  lanes: Stack[],
  kill: Kill,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let [next, survivors] = [1, 0]
  const run = async (lane: Stack) => {
    while (survivors <= lanes.length) {
      signal.throwIfAborted()
      const nth = next
      next += quick ? 11 : 1
      const outcome = await kill(lane, nth)
      outcomes.push(outcome)
      if (outcome.step === null) survivors += 1
      const result = outcome.faults.length > 0 ? `WRONG: ${outcome.faults.join('; ')}` : 'well'
      say(`${nth}: ${outcome.step === null ? 'not killed' : `killed before ${outcome.step}`}: ${result}`)
    }
  }
  await Promise.all(lanes.map(run))
  return outcomes
}

async function makeLanes(context: BenchContext): Promise<Stack[]> {
  const { databaseUrl, db, dataDir } = await startDatabase(context)
  const lanes: Stack[] = []
  for (let lane = 0; lane < (context.quick ? 2 : LANES); lane++) {
    await sql.raw(`create database lane${lane}`).execute(db)
    const url = new URL(databaseUrl)
    url.pathname = `/lane${lane}`
    await migrate(url.href)
    const own = openDatabase(url.href, 'pgreel-bench', () => {})
    context.closing.defer(() => own.destroy())
    const folder = path.join(dataDir, `lane${lane}`)
    await mkdir(folder)
    lanes.push({ databaseUrl: url.href, db: own, dataDir: folder, isQuiet: true })
  }
  return lanes
}

/** How a process is told to die, and where it notes its steps. */
async function arm({ dataDir }: Stack, nth: number) {
  const journal = path.join(dataDir, 'journal')
  await rm(journal, { force: true })
  const settings = { NODE_OPTIONS: `--import=${KILL_AT}`, KILL_AT: String(nth), KILL_JOURNAL: journal }
  const lastStep = async () => (await readFile(journal, 'utf8')).trim().split('\n').at(-1) ?? ''
  return { settings, lastStep }
}

/** Others take over, at once: what only time would bring is brought forward. @returns what is wrong then */
async function goOn(context: BenchContext, lane: Stack, id: string): Promise<string[]> {
  await sql`update pgboss.job set heartbeat_on = now() - interval '1 minute'
    where state = 'active'`.execute(lane.db)
  const healer = await startWorker(context, lane, SETTINGS)
  const deadline = performance.now() + 60_000
  await waitUntil(context, async () => (await isSettled(lane)) || performance.now() > deadline)
  await sweepAtOnce(context, lane)
  await healer.stop()
  const faults = await breachesOf(lane)
  const { rows } = await sql<{ status: string; became: number }>`
    select status, (select count(*)::int from events where video_id = videos.id and stage = 'ready') as became
    from videos where id = ${id}`.execute(lane.db)
  const [video] = rows
  if (video?.status !== 'ready') faults.push(`the video is ${video?.status ?? 'lost'}`)
  else if (video.became !== 1) faults.push(`it became ready ${video.became} times`)
  return faults
}

/** Everything is made of every video, and no job is left but those of the clock. */
async function isSettled({ db }: Stack): Promise<boolean> {
  const { rows } = await sql<{ settled: boolean }>`
    select not exists (select from videos where status in ('queued', 'processing'))
      and exists (select from videos where status = 'ready')
      and not exists (select from pgboss.job
        where name in ('first', 'ladder', 'rung', 'extra', 'poster', 'purge', 'dead')
          and state in ('created', 'retry', 'active')) as settled`.execute(db)
  await delay(50)
  return rows[0]?.settled ?? false
}

function digest(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
