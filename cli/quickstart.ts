// `pnpm quickstart`: from a fresh clone to a feed that plays, asking nothing.
import { existsSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { loadConfig } from '#config'
import { requireConnection } from '#db/client.ts'
import { aborted, Stopped, toldToStop } from '#process/told-to-stop.ts'
import { build, isBuildCurrent } from './build.ts'
import { ensureFfmpeg } from './ffmpeg.ts'
import { root } from './project.ts'
import { makeSample, samples } from './samples.ts'
import { elapsed, fail, Sentence, timedSay } from './say.ts'
import { orReason, startStack } from './stack.ts'
import { follow, upload } from './upload.ts'

const usage = `Usage: pnpm quickstart [options]

Builds and starts pgreel on this machine: Postgres (its own, unless DATABASE_URL is set), web and
worker, with three short samples in an empty library. Ctrl-C stops all of it.

  --once FILE   upload FILE, wait until it is ready, stop; exit status 1 when it fails
  --no-sample   leave an empty library empty
  --help        show this`

const ending = toldToStop()
const { signal } = ending
const say = timedSay()
signal.addEventListener('abort', () => {
  if (signal.reason instanceof Stopped) say(`Stopping (${signal.reason.message})`)
})
try {
  const options = parse(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else await quickstart(options)
} catch (error) {
  if (!(error instanceof Stopped)) fail(error)
  else {
    say('Stopped')
    // A file that was asked for is not ready.
    if (process.argv.some(argument => argument.startsWith('--once'))) process.exitCode = 130
  }
}
// Whatever still is open, such as a connection that fetch keeps, must not hold us up.
process.exit()

interface Options {
  once: string | null
  wantsSamples: boolean
}

async function quickstart(options: Options): Promise<void> {
  const config = loadConfig(root)
  // Before half a minute of building.
  if (process.env.DATABASE_URL) await requireConnection(process.env.DATABASE_URL)
  await using closing = new AsyncDisposableStack()
  const ffmpeg = await ensureFfmpeg(config, say, signal)
  await buildIfNeeded()
  const url = await startStack(closing, { mode: 'production', config, ffmpeg, say, ending })
  // Awaited here: leaving this function closes the stack.
  const { once } = options
  if (once) return await orReason(signal, uploadAndFollow(url, once, path.parse(once).name))

  const addresses = config.publicUrl ? [config.publicUrl, `${url}  (on this machine)`] : [url]
  const welcome = `\n${addresses.map(address => `          ${address}\n`).join('')}`
  console.log(welcome)
  if (options.wantsSamples && (await orReason(signal, isLibraryEmpty(url)))) {
    await orReason(signal, uploadSamples(url, ffmpeg.ffmpegPath))
    console.log(welcome)
  }
  say('Ready. Ctrl-C stops everything.')
  await aborted(signal)
  throw signal.reason
}

function parse(args: string[]): Options | 'help' {
  try {
    const { values } = parseArgs({
      args,
      options: {
        once: { type: 'string', multiple: true },
        'no-sample': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return 'help'
    const [file, ...more] = values.once ?? []
    if (more.length > 0) throw new Sentence('--once takes one file: run quickstart once for each.')
    return { once: file ? existingFile(file) : null, wantsSamples: !values['no-sample'] }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new Sentence(`${error.message}\n\n${usage}`)
  }
}

/** pnpm runs scripts in the project; INIT_CWD is where the command was typed. */
function existingFile(name: string): string {
  const file = path.resolve(process.env.INIT_CWD ?? process.cwd(), name)
  if (!existsSync(file) || !statSync(file).isFile()) throw new Sentence(`There is no file ${file}.`)
  return file
}

async function buildIfNeeded(): Promise<void> {
  if (isBuildCurrent()) return say('Build is current')
  say('Building the web app (about half a minute)')
  const start = performance.now()
  await build('nothing', signal)
  say(`Built in ${elapsed(start)}`)
}

/** Videos on their way count: a start that was interrupted has put its samples in the queue. */
async function isLibraryEmpty(url: string): Promise<boolean> {
  const page: { items: unknown[] } = await getJson(`${url}/api/videos?limit=1`)
  const { queue }: { queue: { depth: number; processing: number } } = await getJson(`${url}/api/health`)
  return page.items.length === 0 && queue.depth === 0 && queue.processing === 0
}

async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal })
  if (!response.ok) throw new Sentence(`GET ${url} answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/** Each is made while the worker has the one before. One that fails is said, and costs nothing else. */
async function uploadSamples(url: string, ffmpegPath: string): Promise<void> {
  say('The library is empty: adding three samples')
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-samples-'))
  try {
    const followed: Promise<unknown>[] = []
    for (const sample of samples) {
      const file = await makeSample(sample, folder, ffmpegPath, signal)
      const ready = uploadAndFollow(url, file, sample.title).catch(error => {
        if (!signal.aborted) say(`A sample did not make it: ${error.message ?? error}`)
      })
      followed.push(ready)
    }
    await Promise.all(followed)
    signal.throwIfAborted()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws Sentence with the reason when it does not become ready */
async function uploadAndFollow(url: string, file: string, title: string): Promise<void> {
  const start = performance.now()
  const id = await upload(url, file, title, signal)
  say(`${title}: uploaded in ${elapsed(start)}`)
  let wasPlayable = false
  const { status, error } = await follow(url, id, signal, video => {
    const isNewlyPlayable = video.playable && !wasPlayable
    wasPlayable = video.playable
    if (isNewlyPlayable) say(`${title}: plays at ${url}/v/${id} after ${elapsed(start)}`)
    if (!video.error) say(`${title}: ${video.stage} after ${elapsed(start)}`)
  })
  if (status !== 'ready') {
    throw new Sentence(`${title}: ${status}${error ? ` (${error.code}): ${error.message}` : ''}`)
  }
}
