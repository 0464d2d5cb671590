// `pnpm test`, and what CI runs: everything, with what it needs installed first. Its last line is
// `N passed, N failed`, and `, N skipped` when some were; above it stands a line for each that failed.
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig } from '#config'
import { Stopped, toldToStop } from '#process/told-to-stop.ts'
import { build } from './build.ts'
import { ensureChromium } from './chromium.ts'
import { ensureFfmpeg } from './ffmpeg.ts'
import { run } from './processes.ts'
import { next, root } from './project.ts'
import { elapsed, fail, Sentence, timedSay } from './say.ts'
import { type Counts, countPlaywright, countVitest } from './test-counts.ts'
import { ensurePrograms } from './test-programs.ts'

const stageNames = ['lint', 'types', 'knip', 'unit', 'build', 'e2e'] as const
type Stage = (typeof stageNames)[number]

const { signal } = toldToStop()
const say = timedSay()
const total: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] }
try {
  await runAll(parseStages(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof Stopped)) fail(error)
  total.failed += 1
}
for (const failure of total.failures) console.log(`failed: ${failure}`)
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
)
process.exit(total.failed > 0 ? 1 : 0)

async function runAll(chosen: ReadonlySet<Stage>): Promise<void> {
  // Tests start some four hundred processes of Node, each of which would strip the same types again.
  const NODE_COMPILE_CACHE = path.join(root, 'node_modules/.cache/node')
  const env = { ...(await installTools(chosen)), NODE_COMPILE_CACHE, NEXT_TELEMETRY_DISABLED: '1' }
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-test-'))
  const file = (name: string) => path.join(folder, name)
  try {
    // The static checks share two cores well; what measures time runs alone.
    await Promise.all([
      chosen.has('lint') && check('lint', () => tool('biome', ['ci', '.'])),
      chosen.has('types') && check('types', checkTypes),
      chosen.has('knip') && check('knip', () => tool('knip', [])),
    ])
    if (chosen.has('unit')) {
      const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file('unit.json')}`]
      await suite(
        'unit',
        () => tool('vitest', args, env),
        () => countVitest(read(file('unit.json'))),
      )
    }
    if (chosen.has('build')) await check('build', () => build('nothing', signal))
    if (chosen.has('e2e')) {
      const args = ['test', '-c', 'e2e/playwright.config.ts', '--reporter=list,json']
      const withFile = { ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: file('e2e.json') }
      await suite(
        'e2e',
        () => tool('playwright', args, withFile),
        () => countPlaywright(read(file('e2e.json'))),
      )
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function parseStages(args: string[]): ReadonlySet<Stage> {
  const { values } = parseArgs({ args, options: { only: { type: 'string', multiple: true } } })
  const chosen = (values.only ?? stageNames).map(name => {
    const stage = stageNames.find(known => known === name)
    if (!stage) throw new Sentence(`There is no stage ${name}: --only takes ${stageNames.join(', ')}.`)
    return stage
  })
  return new Set(chosen)
}

async function installTools(chosen: ReadonlySet<Stage>): Promise<Record<string, string>> {
  if (!chosen.has('unit') && !chosen.has('e2e')) return {}
  const { ffmpegPath, ffprobePath } = await ensureFfmpeg(loadConfig(root), say, signal)
  const found = { FFMPEG_PATH: ffmpegPath, FFPROBE_PATH: ffprobePath }
  if (chosen.has('unit') && process.platform === 'linux') {
    await ensurePrograms(['systemd-analyze'], say, signal)
  }
  if (!chosen.has('e2e')) return found
  await ensurePrograms(['nginx', 'openssl'], say, signal)
  return { ...found, CHROMIUM_PATH: await ensureChromium(say, signal) }
}

async function checkTypes(): Promise<void> {
  // Next's declarations of routes and images are generated, and no part of a clone.
  if (!existsSync(path.join(root, 'next-env.d.ts')) || !existsSync(path.join(root, '.next/types'))) {
    const [node, args] = next('typegen')
    await run('next typegen', node, args, { cwd: root, show: 'nothing', signal })
  }
  await tool('tsc', ['--noEmit', '-p', '.'])
}

/** One tool that is right or wrong as a whole: counts as one test. */
async function check(stage: Stage, work: () => Promise<void>): Promise<void> {
  const start = performance.now()
  try {
    await work()
    total.passed += 1
    say(`${stage}: passed in ${elapsed(start)}`)
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    total.failed += 1
    total.failures.push(stage)
    say(`${stage}: failed in ${elapsed(start)}\n${error.message}`)
  }
}

/** A runner that counts by itself. One that fails without saying of a test that failed counts as one. */
async function suite(stage: Stage, work: () => Promise<void>, count: () => Counts | null): Promise<void> {
  const start = performance.now()
  say(`${stage}: running`)
  let hasFailed = false
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    hasFailed = true
  }
  const counts = count() ?? { passed: 0, failed: 0, skipped: 0, failures: [] }
  if ((hasFailed || counts.passed === 0) && counts.failed === 0) {
    counts.failed = 1
    counts.failures.push(`${stage}: it ended without saying which`)
  }
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key]
  total.failures.push(...counts.failures)
  say(
    `${stage}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${elapsed(start)}`,
  )
}

async function tool(name: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  const isSuite = name === 'vitest' || name === 'playwright'
  const file = path.join(root, 'node_modules/.bin', name)
  await run(name, file, args, { cwd: root, env, show: isSuite ? 'raw' : 'nothing', signal })
}

function read(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}
