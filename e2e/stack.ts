// A whole pgreel for a test: a fresh database, the web process of the production build and any
// number of workers, on free ports and in folders of their own; always torn down, and looked over
// for what must never be left behind.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect } from 'playwright/test'
import type { Video } from '#app/video.ts'
import { anyFreePort } from '#cli/ports.ts'
import { createDatabase } from './postgres.ts'

const root = path.resolve(import.meta.dirname, '..')

interface StackOptions {
  workers?: number
  /** an empty database of a Postgres that the test stops itself; else one is made, and is migrated already */
  databaseUrl?: string
  /** without a table: `pnpm migrate` has all to do */
  isEmpty?: boolean
  env?: Record<string, string>
}

export interface Stack {
  url: string
  databaseUrl: string
  dataDir: string
  /** @param launch a shell command to start the worker's command (`$0`) with, instead of directly */
  startWorker: (cwd?: string, launch?: string) => Promise<Process>
  startWeb: () => Promise<Process>
  web: Process
  workers: Process[]
  query: <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) => Promise<Row[]>
  video: (id: string) => Promise<Video>
  stop: () => Promise<void>
}

interface Process {
  child: ChildProcess
  pid: number
  output: () => string
  /** Resolves when it has ended. */
  kill: (signal: NodeJS.Signals) => Promise<void>
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { workers = 1, databaseUrl, isEmpty = databaseUrl !== undefined, env = {} } = options
  const dataDir = await mkdtemp(path.join(tmpdir(), 'pgreel-e2e-'))
  await chmod(dataDir, 0o711)
  const postgres = databaseUrl
    ? { url: databaseUrl, stop: async () => {} }
    : await createDatabase(isEmpty ? 'template0' : undefined)
  const port = await anyFreePort('127.0.0.1')
  const url = `http://127.0.0.1:${port}`
  const client = new pg.Client({ connectionString: postgres.url })
  client.on('error', () => {}) // the server goes before the client when a test breaks off
  await client.connect()
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ...{ DATABASE_URL: postgres.url, DATA_DIR: dataDir, PORT: String(port), HOST: '127.0.0.1' },
    ...{ LADDER: '360,240', WORKER_CONCURRENCY: '1', RATE_LIMIT: 'off', NODE_ENV: 'production' as const },
    ...env,
  }
  if (isEmpty) {
    // Each command from another folder than the project's: none may care.
    const args = [path.join(root, 'cli/migrate.ts')]
    await promisify(execFile)(process.execPath, args, { cwd: '/', env: environment })
  }
  const running: Process[] = []
  const start = (script: string, cwd: string, launch?: string) => {
    const started = startProcess(path.join(root, script), cwd, environment, launch)
    running.push(started)
    return started
  }
  const stack: Stack = {
    url,
    dataDir,
    databaseUrl: postgres.url,
    workers: [],
    web: start('cli/start.ts', dataDir),
    async startWeb() {
      stack.web = start('cli/start.ts', dataDir)
      await waitForWeb(stack)
      return stack.web
    },
    async startWorker(cwd = dataDir, launch) {
      const worker = start('worker/main.ts', cwd, launch)
      stack.workers.push(worker)
      await expect
        .poll(worker.output, { timeout: 30_000, message: worker.output() })
        .toContain('worker ready')
      return worker
    },
    query: async (sql, values) => (await client.query(sql, values)).rows,
    video: async id => (await fetch(`${url}/api/videos/${id}`)).json() as Promise<Video>,
    async stop() {
      await Promise.all(running.map(({ kill }) => kill('SIGTERM')))
      await client.end()
      await postgres.stop()
      try {
        // What was killed takes a moment to be gone.
        await expect.poll(() => processesOf(dataDir), { message: 'processes left over' }).toEqual([])
      } finally {
        await rm(dataDir, { recursive: true, force: true })
      }
    },
  }
  try {
    await waitForWeb(stack)
    for (let count = 0; count < workers; count++) await stack.startWorker()
  } catch (error) {
    await stack.stop()
    throw error
  }
  return stack
}

/** For what is published by a test's own hand. */
export function storesOf({ query, dataDir }: Stack) {
  return { query, storage: path.join(dataDir, 'storage') }
}

async function waitForWeb({ url, web }: Stack): Promise<void> {
  await expect
    .poll(
      () =>
        fetch(`${url}/api/health`).then(
          response => response.status,
          () => 0,
        ),
      { timeout: 30_000, message: web.output() },
    )
    .toBe(200)
}

function startProcess(script: string, cwd: string, env: NodeJS.ProcessEnv, launch?: string): Process {
  const [file, args] = launch ? ['sh', ['-c', launch, script]] : [process.execPath, [script]]
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const ended = once(child, 'exit')
  return {
    child,
    pid: child.pid ?? 0,
    output: () => output,
    async kill(signal) {
      if (isAlive({ child })) child.kill(signal)
      await ended
    },
  }
}

function isAlive({ child }: Pick<Process, 'child'>): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** Command lines of FFmpeg processes that work in a stack's folder. */
function processesOf(dataDir: string): string[] {
  const all = execFileSync('ps', ['-eo', 'stat=,args='], { encoding: 'utf8' })
  return all.split('\n').filter(line => line.includes(dataDir) && !line.startsWith('Z'))
}

export function ffmpegsOf({ dataDir }: Stack): string[] {
  return processesOf(dataDir).filter(line => line.includes('ffmpeg'))
}

/** Whatever programs a process has run to their end: the CPU time they took, in hundredths of a second. */
export async function costOfPrograms(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // man 5 proc: fields 16 and 17, cutime and cstime; the second one, in parentheses, may hold spaces.
  const [user = '', system = ''] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15)
  return Number(user) + Number(system)
}

/** The web process itself: `pnpm start` only watches over it. */
function serverOf({ web }: Stack): number | null {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')
  const [pid] =
    all.map(line => line.trim().split(/ +/)).find(([, parent]) => Number(parent) === web.pid) ?? []
  return pid ? Number(pid) : null
}

/** Waits until everything is made of every video that can be, ladder, preview and storyboard. */
async function workDone(stack: Stack): Promise<void> {
  const waiting = () =>
    stack.query(`
    select name from pgboss.job
    where name in ('first', 'ladder', 'rung', 'extra', 'poster', 'purge') and state in ('created', 'retry', 'active')`)
  await expect.poll(waiting, { timeout: 60_000, message: 'jobs that do not end' }).toEqual([])
}

/** What must hold once nothing is being worked on: see docs/architecture.md. */
export async function expectNothingLeftBehind(stack: Stack): Promise<void> {
  // Without a worker nothing is being worked on, whatever waits.
  if (stack.workers.some(isAlive)) await workDone(stack)
  const stuck = await stack.query(`
    select id, status from videos v
    where status in ('queued', 'processing') and deleted_at is null and not exists (
      select from pgboss.job j where j.name in ('first', 'ladder', 'dead') and j.state in ('created', 'retry', 'active')
        and j.data ->> 'videoId' = v.id::text)`)
  expect(stuck, 'unfinished videos without a live job').toEqual([])
  const scratch = path.join(stack.dataDir, 'scratch')
  await mkdir(scratch, { recursive: true })
  await expect.poll(() => readdir(scratch), { message: 'scratch folders left over' }).toEqual([])
  const server = serverOf(stack)
  if (server) expect(await costOfPrograms(server), 'programs that the web process ran').toBe(0)
  const published = await stack.query<{ prefix: string }>(`
    select distinct r.video_id || '/' || r.token as prefix from renditions r
    join publication_renditions pr on pr.rendition_id = r.id
    join videos v on v.id = r.video_id and v.deleted_at is null`)
  expect((await publishedFolders(stack)).sort(), 'attempts in the storage').toEqual(
    published.map(row => row.prefix).sort(),
  )
}

async function publishedFolders({ dataDir }: Stack): Promise<string[]> {
  const folder = path.join(dataDir, 'storage/videos')
  await mkdir(folder, { recursive: true })
  const videos = await readdir(folder)
  const tokens = await Promise.all(
    videos.map(async id => (await readdir(path.join(folder, id))).map(token => `${id}/${token}`)),
  )
  return tokens.flat()
}

/** Uploads as a script would: tus 1.0.0 by hand. @returns the video's id */
export async function upload(
  stack: Stack,
  file: string | Buffer,
  filename = 'clip.mp4',
  headers: Record<string, string> = {},
): Promise<string> {
  const bytes = typeof file === 'string' ? await readFile(file) : file
  const metadata = { filename, filetype: 'video/mp4' }
  const { location } = await createUpload(stack, bytes.length, metadata, headers)
  const response = await patch(location, 0, bytes, headers)
  expect(response.status).toBe(204)
  return idOf(location)
}

export async function createUpload(
  stack: Stack,
  length: number,
  metadata: Record<string, string>,
  headers: Record<string, string> = {},
) {
  const pairs = Object.entries(metadata).map(
    ([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`,
  )
  const response = await fetch(`${stack.url}/api/uploads`, {
    method: 'POST',
    headers: {
      ...headers,
      'Tus-Resumable': '1.0.0',
      'Upload-Length': String(length),
      'Upload-Metadata': pairs.join(','),
    },
  })
  const location = new URL(response.headers.get('Location') ?? '', `${stack.url}/api/uploads`).href
  return { response, location }
}

export function patch(
  location: string,
  offset: number,
  bytes: Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(location, {
    method: 'PATCH',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': String(offset),
      'Content-Type': 'application/offset+octet-stream',
      ...headers,
    },
    body: new Uint8Array(bytes),
  })
}

export function head(location: string): Promise<Response> {
  return fetch(location, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } })
}

export function idOf(location: string): string {
  return location.split('/').at(-1) ?? ''
}

/** Waits for a status that does not change by itself any more. */
export async function settled(stack: Stack, id: string, timeout = 90_000): Promise<Video> {
  try {
    await expect
      .poll(async () => (await stack.video(id)).status, { timeout })
      .toMatch(/^(ready|failed|cancelled)$/)
  } catch (error) {
    const said = stack.workers.map(({ pid, output }) => `worker ${pid}: …${output().slice(-4000)}`)
    throw new Error(`${(error as Error).message}\n${said.join('\n')}`)
  }
  return stack.video(id)
}
