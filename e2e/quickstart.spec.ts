// The newcomer's command: one file through all of it, a clean end, and all data after the worst one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'playwright/test'
import { anyFreePort } from '#cli/ports.ts'
import { makeClip } from '#test/clips.ts'

const root = path.resolve(import.meta.dirname, '..')
const STOPS_WITHIN_MS = 10_000

test('one command: --once says how a file ends, stops leave nothing, kill -9 loses nothing', async () => {
  test.setTimeout(240_000)
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-quickstart-'))
  await chmod(folder, 0o711)
  const port = await anyFreePort('127.0.0.1')
  const start = (...args: string[]) => quickstart(folder, port, args)
  try {
    const good = start('--once', await makeClip(folder, 'good.mp4', { seconds: 1 }))
    expect(await good.status, good.output()).toBe(0)
    expect(processesOf(folder)).toEqual([])

    const bad = path.join(folder, 'bad.mp4')
    await writeFile(bad, 'no video at all')
    const failing = start('--once', bad)
    expect(await failing.status, failing.output()).toBe(1)
    expect(failing.output()).toMatch(/not_a_video.*not a video that can be read/s)
    expect(processesOf(folder)).toEqual([])

    const running = start('--no-sample')
    await running.isReady()
    expect(await titles(port)).toEqual(['good'])
    // The address of a proxy that may not be there yet, and the one that works here.
    expect(running.output()).toMatch(/^ +https:\/\/videos\.example$/m)
    expect(running.output()).toContain(` http://127.0.0.1:${port} `)
    for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL')
    await running.status
    await expect.poll(() => processesOf(folder)).toEqual([])

    const again = start('--no-sample')
    await again.isReady()
    expect(await titles(port)).toEqual(['good'])
    const stopping = performance.now()
    again.kill('SIGTERM')
    expect(await again.status).toBe(0)
    expect(performance.now() - stopping).toBeLessThan(STOPS_WITHIN_MS)
    expect(processesOf(folder)).toEqual([])

    const orphaned = start('--no-sample')
    await orphaned.isReady()
    orphaned.kill('SIGKILL')
    // Web and worker notice that their launcher is gone; Postgres stays for the next start to adopt.
    await expect
      .poll(() => processesOf(folder).filter(({ command }) => !command.includes('postgres')), {
        timeout: STOPS_WITHIN_MS,
      })
      .toEqual([])
    const adopting = start('--no-sample')
    await adopting.isReady()
    adopting.kill('SIGINT')
    expect(await adopting.status).toBe(0)
    expect(processesOf(folder)).toEqual([])
  } finally {
    for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
})

function quickstart(dataDir: string, port: number, args: string[]) {
  const { DATABASE_URL: _, ...inherited } = process.env
  const child = spawn(process.execPath, ['cli/quickstart.ts', ...args], {
    cwd: root,
    env: {
      ...{ ...inherited, DATA_DIR: dataDir, PORT: String(port), LADDER: '240' },
      PUBLIC_URL: 'https://videos.example',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
    })
  }
  return {
    output: () => output,
    status: once(child, 'exit').then(([status]) => status as number | null),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    isReady: () => expect.poll(() => output, { timeout: 90_000 }).toContain('Ready. Ctrl-C'),
  }
}

async function titles(port: number): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${port}/api/videos`)
  const { items } = (await response.json()) as { items: { title: string }[] }
  return items.map(({ title }) => title)
}

/** Living processes that name a folder in their arguments or environment. */
function processesOf(folder: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(name => ({ pid: Number(name), command: read(name, 'cmdline'), environment: read(name, 'environ') }))
    .filter(({ command, environment }) => command !== '' && (command + environment).includes(folder))
    .map(({ pid, command }) => ({ pid, command: command.replaceAll('\0', ' ') }))
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // it has ended, or is not ours to look at
  }
}
