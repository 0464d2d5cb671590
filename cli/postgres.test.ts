import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, describe, expect, it } from 'vitest'
import { embeddedUrlFile } from '#config'
import { type Postgres, startPostgres } from './postgres.ts'
import { findPostgresHome } from './postgres-home.ts'
import { findServer } from './postgres-server.ts'

const isRoot = process.getuid?.() === 0
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

// Setting up a database takes 0.7 s, and ten times that on a machine that is busy.
describe('an embedded Postgres', { timeout: 60_000 }, () => {
  it('sets up a UTF-8 database, also after a first attempt that was killed half-way', async () => {
    const dataDir = makeDataDir()
    mkdirSync(path.join(dataDir, 'postgres/unfinished-1/base'), { recursive: true })
    const { url } = await start(dataDir)
    const [row] = await query(
      url,
      "select current_setting('server_encoding') as encoding, upper('é') as upper",
    )
    expect(row).toEqual({ encoding: 'UTF8', upper: 'É' })
    expect(readdirSync(path.join(dataDir, 'postgres')).sort()).toEqual(['data', 'password', 'server.log'])
  })

  it('keeps its data, password and port from one run to the next', async () => {
    const dataDir = makeDataDir()
    const first = await start(dataDir)
    await query(first.url, 'create table kept as select 42 as answer')
    expect(statSync(embeddedUrlFile(dataDir)).mode & 0o777).toBe(0o600)
    await first.stop()
    expect(existsSync(embeddedUrlFile(dataDir))).toBe(false)
    expect(await serverOf(dataDir)).toBeNull()

    const second = await start(dataDir)
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('is adopted after its launcher was killed', async () => {
    const dataDir = makeDataDir()
    const { launcher, url } = await launchElsewhere(dataDir)
    const server = await serverOf(dataDir)
    launcher.kill('SIGKILL')
    await ended(launcher)

    const adopted = await start(dataDir)
    expect(adopted.url).toBe(url)
    expect(await serverOf(dataDir)).toEqual(server)
    await adopted.stop()
    expect(await serverOf(dataDir)).toBeNull()
    await adopted.ended
  })

  it('recovers all that was committed when launcher and server are killed', async () => {
    const dataDir = makeDataDir()
    const { launcher, url } = await launchElsewhere(dataDir)
    await query(url, 'create table kept as select 42 as answer')
    process.kill((await serverOf(dataDir))?.id.pid ?? Number.NaN, 'SIGKILL')
    launcher.kill('SIGKILL')
    await ended(launcher)
    const again = await start(dataDir)
    expect(await query(again.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('is gone with its data after a throwaway run, even when the launcher was killed', async () => {
    const dataDir = makeDataDir()
    const stopped = await start(dataDir, { throwaway: true })
    await stopped.stop()
    expect(readdirSync(dataDir)).toEqual([])

    const { launcher } = await launchElsewhere(dataDir, { throwaway: true })
    launcher.kill('SIGKILL')
    await expect.poll(() => existsSync(path.join(dataDir, 'postgres')), { timeout: 20_000 }).toBe(false)
  })

  it.runIf(isRoot)(
    'moves to where its user can reach it when DATA_DIR is below a private folder',
    async () => {
      const home = mkdtempSync(path.join(tmpdir(), 'pgreel-private-'))
      chmodSync(home, 0o700)
      const dataDir = path.join(home, 'clone/.data')
      const first = await start(dataDir)
      const folder = realpathSync(path.join(dataDir, 'postgres'))
      undo.push(
        () => rmSync(home, { recursive: true }),
        () => rmSync(folder, { recursive: true }),
      )
      expect(folder).toMatch(/^\/var\/lib\/pgreel\//)
      await query(first.url, 'create table kept as select 42 as answer')
      await first.stop()
      const second = await start(dataDir)
      expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
      await second.stop()
    },
  )
})

function makeDataDir(): string {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'pgreel-postgres-'))
  // mkdtemp makes it private; Postgres runs as another user when we are root.
  chmodSync(dataDir, 0o711)
  undo.push(() => rmSync(dataDir, { recursive: true }))
  return dataDir
}

async function start(dataDir: string, options?: { throwaway: boolean }): Promise<Postgres> {
  const postgres = await startPostgres(dataDir, () => {}, options)
  undo.push(() => postgres.stop())
  return postgres
}

/** A launcher in a process of its own, to be killed. */
async function launchElsewhere(
  dataDir: string,
  options: { throwaway?: boolean } = {},
): Promise<{ launcher: ChildProcess; url: string }> {
  const script = `
    import { startPostgres } from ${JSON.stringify(path.join(import.meta.dirname, 'postgres.ts'))}
    const { url } = await startPostgres(${JSON.stringify(dataDir)}, () => {}, ${JSON.stringify(options)})
    console.log(url)
    setInterval(() => {}, 1000)`
  const launcher = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: path.dirname(import.meta.dirname),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  undo.push(() => launcher.kill('SIGKILL'))
  const url = await new Promise<string>(resolve =>
    launcher.stdout.once('data', data => resolve(String(data).trim())),
  )
  return { launcher, url }
}

async function ended(child: ChildProcess): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) await delay(10)
}

async function serverOf(dataDir: string) {
  return findServer(await findPostgresHome(dataDir, () => {}))
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
