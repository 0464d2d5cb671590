// Real processes in the chains that terminals, scripts and service managers make. Each link has the
// command line of what it stands for, and starts the next one.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { identify, isAlive } from './table.ts'

const npx = ['npm exec pnpm@12 worker', "sh -c 'pnpm' worker", 'pnpm worker', "sh -c trap '' INT; node x.ts"]
const terminal = '-bash'
const script = 'bash -c cd pgreel; npx -y pnpm@12 worker & pnpm start &'
const nodeItself = '/usr/local/bin/node /usr/local/lib/node_modules/npm/bin/npx-cli.js pnpm worker'
const quickstart = 'node cli/quickstart.ts'

const link = `
  import { spawn } from 'node:child_process'
  const [title, ...rest] = JSON.parse(process.env.CHAIN)
  process.title = title
  const env = { ...process.env, CHAIN: JSON.stringify(rest) }
  if (title === '${quickstart}') env.PGREEL_PARENT_PID = process.pid
  const program = rest.length > 0 ? env.LINK : env.LAST
  spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit', env })
  console.log(process.pid)`

const last = `
  import { aborted, toldToStop } from ${JSON.stringify(`${import.meta.dirname}/told-to-stop.ts`)}
  const { signal } = toldToStop()
  const alive = setInterval(() => {}, 1000)
  console.log(process.pid)
  await aborted(signal)
  clearInterval(alive)`

let outermost: ChildProcess | undefined
let pids: number[] = []
afterEach(() => {
  outermost?.kill('SIGKILL')
  for (const pid of pids) if (identify(pid)) process.kill(pid, 'SIGKILL')
})

async function start(
  titles: string[],
  stdin: 'ignore' | 'pipe',
  launcher?: string,
): Promise<{ pids: number[]; isLastAlive: () => boolean }> {
  const { PGREEL_PARENT_PID: _, ...inherited } = process.env
  const env = { ...inherited, CHAIN: JSON.stringify(titles), LINK: link, LAST: last }
  const child = spawn(process.execPath, ['--input-type=module', '-e', titles.length > 0 ? link : last], {
    stdio: [stdin, 'pipe', 'inherit'],
    env: launcher === undefined ? env : { ...env, PGREEL_PARENT_PID: launcher },
  })
  outermost = child
  pids = []
  if (!child.stdout) throw new Error('no output to read')
  for await (const line of createInterface({ input: child.stdout })) {
    pids.push(Number(line))
    if (pids.length > titles.length) break
  }
  // Outermost first: each says who it is before the one that it starts can.
  const ends = identify(pids.at(-1) ?? 0)
  return { pids, isLastAlive: () => ends !== null && isAlive(ends) }
}

test.each([
  { killed: 'npx', chain: npx, index: 0, stdin: 'ignore' as const },
  { killed: 'the shell of npx', chain: npx, index: 1, stdin: 'ignore' as const },
  { killed: 'pnpm', chain: npx, index: 2, stdin: 'ignore' as const },
  { killed: 'an npx that names itself otherwise', chain: [nodeItself], index: 0, stdin: 'ignore' as const },
  { killed: 'the terminal', chain: [terminal, ...npx], index: 0, stdin: 'pipe' as const },
  { killed: 'the terminal, without npx', chain: [terminal], index: 0, stdin: 'pipe' as const },
  { killed: 'its own launcher', chain: [quickstart], index: 0, stdin: 'ignore' as const },
  {
    killed: 'a launcher behind another',
    chain: [quickstart, 'next dev'],
    index: 0,
    stdin: 'ignore' as const,
  },
])('ends with $killed', async ({ chain, index, stdin }) => {
  const { pids, isLastAlive } = await start(chain, stdin)
  process.kill(pids[index] ?? 0, 'SIGKILL')
  await expect.poll(isLastAlive, { timeout: 5_000 }).toBe(false)
})

test.each([
  { caller: 'a script', chain: [script] },
  { caller: 'a script, through npx', chain: [script, ...npx] },
  { caller: 'a terminal, through npx', chain: [terminal, ...npx] },
])('outlives $caller that started it in the background', async ({ chain }) => {
  const { pids, isLastAlive } = await start(chain, 'ignore')
  process.kill(pids[0] ?? 0, 'SIGKILL')
  await delay(1_500) // five looks at its parents
  expect(isLastAlive()).toBe(true)
})

test('ends when its own launcher had ended before it could look', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  const { isLastAlive } = await start([], 'ignore', String(ended.pid))
  await expect.poll(isLastAlive, { timeout: 5_000 }).toBe(false)
})
