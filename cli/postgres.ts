// The embedded Postgres: found running, or started; reached at 127.0.0.1 with a random password;
// stopped by nobody but us. Must not know what is stored in it.
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { embeddedUrlFile } from '#config'
import { requireConnection } from '#db/client.ts'
import { isAlive } from '#process/table.ts'
import { anyFreePort, isFree } from './ports.ts'
import { findPostgresHome, type PostgresHome } from './postgres-home.ts'
import {
  findServer,
  initialise,
  lastLogLines,
  lastPort,
  launch,
  readPassword,
  removeStalePidFile,
  type Server,
  writeSecretly,
} from './postgres-server.ts'

const host = '127.0.0.1'

// What one stop may take: fast shutdown, then immediate shutdown (recovers at the next start), then
// SIGKILL. With the six seconds that web and worker get, all of it fits in ten.
const stopSteps = [
  ['SIGINT', 2_500],
  ['SIGQUIT', 800],
  ['SIGKILL', 500],
] as const

export interface Postgres {
  /** The connection string of the database `pgreel`; also in `embeddedUrlFile(dataDir)`. */
  url: string
  port: number
  /** Resolves with the last lines of its log when the server ends, asked or not. */
  ended: Promise<string>
  /** Ends every connection, then the server. May be called again. */
  stop(): Promise<void>
}

/**
 * Starts the Postgres of a DATA_DIR, or adopts it where it runs on after its launcher was killed.
 * The caller makes sure that it is the only one (`takeLock`).
 * @param options.throwaway for tests: nothing is safe from a power cut, the data is deleted at the
 *   stop, and the server also ends when this process does, however it does
 * @throws Sentence saying what to do
 */
export async function startPostgres(
  dataDir: string,
  log: (line: string) => void,
  options: { throwaway?: boolean } = {},
): Promise<Postgres> {
  const isThrowaway = options.throwaway ?? false
  const home = await findPostgresHome(dataDir, log)
  if (await initialise(home, isThrowaway)) log('Set up a new database')
  const password = await readPassword(home)
  const server = (await adopt(home, password, log)) ?? (await start(home, isThrowaway))
  const keeper = isThrowaway ? keep(server, home) : null

  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      await stopServer(server)
      await rm(embeddedUrlFile(dataDir), { force: true })
      if (!keeper) return
      keeper.kill('SIGKILL')
      await rm(home.folder, { recursive: true, force: true })
      await rm(path.join(dataDir, 'postgres'), { recursive: true, force: true })
    })()
    return stopping
  }
  try {
    const url = urlOf(server, password, 'pgreel')
    await createDatabase(urlOf(server, password, 'postgres'))
    await writeSecretly(embeddedUrlFile(dataDir), url)
    return { url, port: server.port, ended: endOf(server, home), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A server that a killed launcher left behind, once it takes connections; else none runs any more. */
async function adopt(
  home: PostgresHome,
  password: string,
  log: (line: string) => void,
): Promise<Server | null> {
  let server = findServer(home)
  // It may be in recovery, or on its way down.
  for (let waited = 0; server && server.state !== 'ready' && waited < 60_000; waited += 50) {
    await delay(50)
    server = findServer(home)
  }
  if (server?.state === 'ready' && (await answers(urlOf(server, password, 'postgres')))) {
    log('Took over the Postgres that was still running')
    return server
  }
  if (server) await stopServer(server)
  await removeStalePidFile(home)
  return null
}

/** On the port of the last time where possible: connection strings that were noted stay right. */
async function start(home: PostgresHome, isThrowaway: boolean): Promise<Server> {
  const last = lastPort(home)
  const port = last && (await isFree(last, host)) ? last : await anyFreePort(host)
  return launch(home, port, isThrowaway)
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, query_timeout: 30_000 })
  // Without a listener a connection that breaks ends the process; the query rejects anyway.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rowCount } = await client.query("select from pg_database where datname = 'pgreel'")
    if (!rowCount) await client.query('create database pgreel')
  } finally {
    await client.end()
  }
}

/** Whatever the reason why not (another password, hung, shutting down): it is of no use to us then. */
function answers(url: string): Promise<boolean> {
  return requireConnection(url).then(
    () => true,
    () => false,
  )
}

function urlOf(server: Server, password: string, database: string): string {
  return `postgres://pgreel:${password}@${host}:${server.port}/${database}`
}

async function stopServer(server: Server): Promise<void> {
  for (const [signal, milliseconds] of stopSteps) {
    if (!isAlive(server.id)) return
    process.kill(server.id.pid, signal)
    for (let waited = 0; waited < milliseconds && isAlive(server.id); waited += 20) await delay(20)
  }
}

async function endOf(server: Server, home: PostgresHome): Promise<string> {
  while (isAlive(server.id)) await delay(250, undefined, { ref: false })
  return lastLogLines(home)
}

/** Waits for our end, which closes the pipe however it comes, then ends and deletes the server. */
function keep(server: Server, home: PostgresHome) {
  const script = 'read -r _; kill -QUIT "$1"; while kill -0 "$1"; do sleep 0.1; done; rm -rf "$2"'
  const keeper = spawn('sh', ['-c', script, 'keeper', String(server.id.pid), home.folder], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  keeper.unref()
  return keeper
}
