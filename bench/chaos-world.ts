// What chaos is done to: a Postgres that can be restarted, a web process and three workers that somebody
// starts again whenever they die, an FFmpeg that obeys, a disk that can be filled.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Postgres, startPostgres } from '#cli/postgres.ts'
import type { Child } from '#cli/processes.ts'
import { openDatabase } from '#db/client.ts'
import { migrate } from '#db/migrate.ts'
import type { BenchContext } from './context.ts'
import { ensureBuilt, type Stack, startWeb, startWorker } from './stack.ts'

const run = promisify(execFile)
const WORKERS = 3
const DISK_MEGABYTES = 1200
const SETTINGS = { LADDER: '240,144', RATE_LIMIT: 'off', STALL_SECONDS: '5' }

export interface Keeper {
  /** null while it is being started again */
  child: Child | null
}

export interface World {
  stack: Stack
  web: Keeper & { url: string }
  workers: Keeper[]
  /** one file each for what the next FFmpeg is to do */
  orders: string
  /** which FFmpegs take one: not every failure is felt, as of a preview */
  aim: 'any' | 'ladder'
  /** null where no disk of our own can be had */
  disk: string | null
  /** @param awayMs how long there is none @returns false when it is away already */
  restartPostgres: (awayMs: number) => Promise<boolean>
  /** nobody is hurt any more, and everybody lives */
  calm: () => Promise<void>
  /** the workers and the web process end */
  stop: () => Promise<void>
}

export async function startWorld(context: BenchContext): Promise<World> {
  const { closing, say, signal } = context
  await ensureBuilt(context)
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-chaos-'))
  closing.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  await run('chmod', ['711', folder])
  const dataDir = path.join(folder, 'data')
  await mkdir(dataDir)
  const disk = await mountSmall(dataDir, closing)
  if (!disk) say('No disk of our own (that takes root): it is never full')
  const { script, orders } = await makeFfmpeg(folder)

  let postgres: Postgres = await startPostgres(folder, say)
  closing.defer(() => postgres.stop())
  await migrate(postgres.url)
  const db = openDatabase(postgres.url, 'pgreel-bench', () => {})
  closing.defer(() => db.destroy())
  const stack: Stack = { databaseUrl: postgres.url, db, dataDir, isQuiet: true }
  const settings = { ...SETTINGS, FFMPEG_PATH: script }

  let [isOver, isAway] = [false, false]
  const keep = (keeper: Keeper, start: () => Promise<Child>) => {
    const live = async () => {
      while (!isOver) {
        try {
          keeper.child = await start()
          await keeper.child.ended
        } catch {
          // it cannot start without its database: again
        }
        keeper.child = null
        await delay(300)
      }
    }
    void live()
  }
  const web: World['web'] = { child: null, url: '' }
  keep(web, async () => {
    const started = await startWeb(context, stack, settings)
    web.url = started.url
    return started
  })
  const workers = Array.from({ length: WORKERS }, (): Keeper => ({ child: null }))
  for (const worker of workers) keep(worker, () => startWorker(context, stack, settings))
  const untilAllLive = async () => {
    while (![web, ...workers].every(({ child }) => child)) await delay(100, undefined, { signal })
  }
  await untilAllLive()
  return {
    ...{ stack, web, workers, orders, disk, aim: 'any' },
    async restartPostgres(awayMs) {
      if (isAway) return false
      isAway = true
      await postgres.stop()
      await delay(awayMs, undefined, { signal })
      postgres = await startPostgres(folder, () => {})
      isAway = false
      return true
    },
    async calm() {
      await rm(orders, { recursive: true })
      await mkdir(orders)
      await untilAllLive()
    },
    async stop() {
      isOver = true
      await Promise.all([web, ...workers].map(({ child }) => child?.stop()))
    },
  }
}

/** @returns null without the right to */
async function mountSmall(folder: string, closing: AsyncDisposableStack): Promise<string | null> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'tmpfs', folder])
  } catch {
    return null
  }
  closing.defer(async () => {
    await run('umount', ['-l', folder])
  })
  return folder
}

/** FFmpeg, unless there is an order: whoever takes it first does as it says. */
async function makeFfmpeg(folder: string) {
  const [orders, taken] = [path.join(folder, 'orders'), path.join(folder, 'taken')]
  for (const each of [orders, taken]) await mkdir(each)
  const script = path.join(folder, 'ffmpeg')
  const text = `#!/bin/sh
case "$*" in *-encoders*|*-formats*|*-version*) exec ffmpeg "$@";; esac
for order in '${orders}'/*; do
  case "$order $*" in *-ladder-*low/ffmpeg.m3u8*|*-any-*);; *) continue;; esac
  mv "$order" '${taken}' 2>/dev/null || continue
  case $order in
    *hang*) exec sleep 600;;
    *fail*) echo 'Conversion failed!' >&2; exit 1;;
    *half*) ffmpeg "$@" & sleep 0.2; kill -9 $!; kill -9 $$;;
  esac
done
exec ffmpeg "$@"
`
  await writeFile(script, text, { mode: 0o755 })
  return { script, orders, taken }
}
