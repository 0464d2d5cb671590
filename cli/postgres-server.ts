// The embedded Postgres as a process: making its data directory, starting it in a session of its own,
// knowing whether it runs. Must not know who uses it.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { belongsTo, identify, type ProcessId } from '#process/table.ts'
import type { PostgresHome } from './postgres-home.ts'
import { run } from './processes.ts'
import { Sentence } from './say.ts'

// Recovery after a power cut replays at most max_wal_size (1 GB): a slow disk may take a minute.
const startDeadlineMilliseconds = 180_000

// Many processes of many tests use one.
const throwawaySettings = [
  ...['fsync=off', 'full_page_writes=off', 'synchronous_commit=off', 'max_connections=400'],
]

type State = 'starting' | 'ready' | 'stopping'

/** A running server, as its postmaster.pid tells. */
export interface Server {
  id: ProcessId
  port: number
  state: State
}

/** Makes the data directory unless it is there. Killed half-way, it leaves nothing that counts. */
export async function initialise(home: PostgresHome, isThrowaway: boolean): Promise<boolean> {
  if (existsSync(path.join(home.data, 'PG_VERSION'))) return false
  for (const name of await readdir(home.folder)) {
    if (!name.startsWith('unfinished-')) continue
    // An initdb that outlived its launcher may still be writing there: hence the retries.
    await rm(path.join(home.folder, name), { recursive: true, maxRetries: 10 })
  }
  const unfinished = path.join(home.folder, `unfinished-${process.pid}`)
  const passwordFile = path.join(home.folder, `unfinished-${process.pid}.password`)
  const password = randomBytes(24).toString('base64url')
  try {
    await mkdir(unfinished, { mode: 0o700 })
    await writeFile(passwordFile, password, { mode: 0o600 })
    if ('uid' in home.user) {
      for (const file of [unfinished, passwordFile]) await chown(file, home.user.uid, home.user.gid)
    }
    await initdb(home, [
      `--pgdata=${unfinished}`,
      '--username=pgreel',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      // Without these, LANG=C gives a SQL_ASCII database that takes any bytes for text.
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...(isThrowaway ? ['--no-sync'] : []),
    ])
    await writeSecretly(path.join(home.folder, 'password'), password)
    await rename(unfinished, home.data)
  } finally {
    await rm(passwordFile, { force: true })
  }
  return true
}

async function initdb(home: PostgresHome, args: string[]): Promise<void> {
  const { signal } = new AbortController() // it takes a second: let it end
  await run('initdb', 'env', inside(home, 'initdb', args), {
    ...{ cwd: '/', user: home.user, show: 'nothing', signal },
  })
}

/** Arguments of `env`: nothing of our environment (PGPORT, LANG, …) may change what Postgres does. */
function inside(home: PostgresHome, program: string, args: string[]): string[] {
  return ['-i', 'LC_ALL=C', `PATH=${process.env.PATH}`, path.join(home.bin, program), ...args]
}

/** Starts the server and waits until it takes connections. `startPort` when that one is taken. */
export async function launch(home: PostgresHome, port: number, isThrowaway: boolean): Promise<Server> {
  const settings = [
    'listen_addresses=127.0.0.1',
    // No socket file: no stale one after a crash, no limit of 107 bytes on its path.
    'unix_socket_directories=',
    'timezone=UTC',
    'log_timezone=UTC',
    'log_checkpoints=off',
    ...(isThrowaway ? throwawaySettings : []),
  ]
  const log = await open(logFile(home), 'w')
  const args = ['-D', home.data, '-p', String(port), ...settings.flatMap(setting => ['-c', setting])]
  // Its log is a file, not a pipe to us, because it is to outlive a launcher that is killed.
  const child = spawn('env', inside(home, 'postgres', args), {
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
    detached: true,
    ...home.user,
  })
  await log.close()
  child.unref()
  const deadline = performance.now() + startDeadlineMilliseconds
  while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    const server = findServer(home)
    if (server?.id.pid === child.pid && server?.state === 'ready') return server
    await delay(15)
  }
  child.kill('SIGQUIT')
  throw new Sentence(`Postgres did not start on port ${port}:\n${lastLogLines(home)}`)
}

/** The server that runs on this data directory; null when none does. Removes what a dead one left. */
export function findServer(home: PostgresHome): Server | null {
  // Lines: pid, data directory, start time, port, socket folder, address, shared memory, status.
  const lines = readLines(pidFile(home))
  const pid = Number(lines[0])
  const id = pid > 0 ? identify(pid) : null
  if (!id || !belongsTo(pid, home.data)) return null
  const word = lines[7]?.trim()
  return { id, port: Number(lines[3]), state: word === 'ready' || word === 'stopping' ? word : 'starting' }
}

/**
 * Removes a postmaster.pid whose process is gone. Postgres does so by itself, except when the number
 * is in use again by a process of the same user, which is likely after a container restarts.
 */
export async function removeStalePidFile(home: PostgresHome): Promise<void> {
  if (!findServer(home)) await rm(pidFile(home), { force: true })
}

/** The port it used last, which Postgres notes with its arguments. */
export function lastPort(home: PostgresHome): number | null {
  const [, port] = /"-p" "(\d+)"/.exec(readLines(path.join(home.data, 'postmaster.opts')).join()) ?? []
  return port ? Number(port) : null
}

export async function readPassword(home: PostgresHome): Promise<string> {
  return (await readFile(path.join(home.folder, 'password'), 'utf8')).trim()
}

export function lastLogLines(home: PostgresHome): string {
  return readLines(logFile(home)).join('\n').trimEnd().split('\n').slice(-12).join('\n')
}

/** Writes a file that only we may read; complete or not at all. */
export async function writeSecretly(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}`
  await using handle = await open(unfinished, 'w', 0o600)
  await handle.writeFile(`${text}\n`)
  await handle.sync()
  await rename(unfinished, file)
}

function pidFile(home: PostgresHome): string {
  return path.join(home.data, 'postmaster.pid')
}

function logFile(home: PostgresHome): string {
  return path.join(home.folder, 'server.log')
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
