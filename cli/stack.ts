// Everything that one machine runs: Postgres, web and worker; started in this order, watched, and
// stopped in the opposite one. `quickstart` and `dev` differ only in how web and worker are started.
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type Config, embeddedUrlFile } from '#config'
import { migrate } from '#db/migrate.ts'
import { aborted } from '#process/told-to-stop.ts'
import type { FfmpegTools } from './ffmpeg.ts'
import { takeLock } from './lock.ts'
import { isFree, nextFreePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { type Child, startChild } from './processes.ts'
import { nextCommand, root, workerCommand } from './project.ts'
import { elapsed, type Say, Sentence } from './say.ts'

export interface StackOptions {
  mode: 'development' | 'production'
  config: Config
  ffmpeg: FfmpegTools
  say: Say
  /** Aborted by us, with a Sentence, when a part ends that should not. */
  ending: AbortController
}

const healthDeadlineMilliseconds = 120_000

/**
 * Starts all of it.
 * @param closing gets what stops it, in order
 * @returns where the web process is reached, once it is and a worker lives
 */
export async function startStack(closing: AsyncDisposableStack, options: StackOptions): Promise<string> {
  const { config, say, ending, mode } = options
  const { signal } = ending
  const lock = await takeLock(config.dataDir)
  closing.defer(() => lock.release())

  const databaseUrl = await startDatabase(closing, options)
  const port = await choosePort(config, say, lock.wasAbandoned)
  const url = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  const env = {
    DATABASE_URL: databaseUrl,
    HOST: config.host,
    PORT: String(port),
    FFMPEG_PATH: options.ffmpeg.ffmpegPath,
    FFPROBE_PATH: options.ffmpeg.ffprobePath,
    NODE_ENV: mode,
    NEXT_TELEMETRY_DISABLED: '1',
  }
  const isDevelopment = mode === 'development'
  const show =
    isDevelopment || config.logLevel === 'debug' || config.logLevel === 'trace' ? 'all' : 'problems'
  const [next, nextArgs] = nextCommand(isDevelopment ? 'dev' : 'start', config.host, port)
  const [node, workerArgs] = workerCommand({ watch: isDevelopment })
  const children: Child[] = []
  closing.defer(async () => {
    await Promise.all(children.map(child => child.stop()))
  })
  const launch = (name: string, command: string, args: string[]) => {
    const child = startChild(name, command, args, { cwd: root, env, show })
    children.push(child)
    void child.ended.then(({ how }) => {
      if (!closing.disposed) ending.abort(new Sentence(lastWords(child, how)))
    })
  }
  const start = performance.now()
  // The web process waits for its database by itself; the worker must find it migrated.
  launch('web', next, nextArgs)
  const applied = await migrate(databaseUrl)
  if (applied.length > 0) say(`Database migrated (${applied.join(', ')})`)
  signal.throwIfAborted()
  launch('worker', node, workerArgs)
  await orReason(signal, waitUntilHealthy(url, signal))
  await lock.tell(url)
  say(`Web and worker up in ${elapsed(start)}`)
  return url
}

async function startDatabase(
  closing: AsyncDisposableStack,
  { config, say, ending }: StackOptions,
): Promise<string> {
  // What the file says is of an earlier run; DATABASE_URL itself is the operator's.
  if (process.env.DATABASE_URL) {
    say('Postgres: the one that DATABASE_URL names')
    return process.env.DATABASE_URL
  }
  await rm(embeddedUrlFile(config.dataDir), { force: true })
  const start = performance.now()
  const postgres = await startPostgres(config.dataDir, say)
  closing.defer(() => postgres.stop())
  void postgres.ended.then(tail => {
    if (!closing.disposed) ending.abort(new Sentence(`Postgres ended unexpectedly:\n${tail}`))
  })
  say(`Postgres up on port ${postgres.port} in ${elapsed(start)}`)
  return postgres.url
}

async function choosePort({ host, port }: Config, say: Say, wasAbandoned: boolean): Promise<number> {
  // The web process of a killed launcher takes a moment to notice.
  for (let waited = 0; wasAbandoned && waited < 5_000 && !(await isFree(port, host)); waited += 100)
    await delay(100)
  if (await isFree(port, host)) return port
  if (process.env.PORT) {
    throw new Sentence(
      `Something else listens on ${host}:${port} already: stop it, or set PORT to another one.`,
    )
  }
  const next = await nextFreePort(port + 1, host)
  say(`Port ${port} is taken, so this uses ${next}`)
  return next
}

/**
 * Waits for `work`; when it fails because of an abort, the abort's reason is the error. A connection
 * breaks a moment before the process at its other end is known to have ended, hence the pause.
 */
export async function orReason<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Sentence)) await Promise.race([aborted(signal), delay(1_000)])
    signal.throwIfAborted()
    throw error
  }
}

async function waitUntilHealthy(url: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + healthDeadlineMilliseconds
  let last = 'no answer'
  while (performance.now() < deadline) {
    signal.throwIfAborted()
    try {
      const response = await fetch(`${url}/api/health`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
      })
      last = await response.text()
      if (response.ok && JSON.parse(last).workers.alive > 0) return
    } catch (error) {
      signal.throwIfAborted()
      // Not listening yet, or not JSON yet.
      last = String(error)
    }
    await delay(100, undefined, { signal })
  }
  throw new Sentence(
    `Web and worker did not come up in ${healthDeadlineMilliseconds / 1000} s. The last answer: ${last}`,
  )
}

function lastWords(child: Child, how: string): string {
  return `The ${child.name} process ended unexpectedly (${how}). Its last lines:\n${child.tail()}`
}
