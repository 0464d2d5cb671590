// The one way FFmpeg and ffprobe are started. fluent-ffmpeg has no options for spawning, so it is
// given a small script for each program that puts up the walls this system can give, then becomes
// the program: one process, one pid, nothing to leak. Priority is fluent-ffmpeg's own `niceness`.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import fluent from 'fluent-ffmpeg'
import { ENCODERS, versionOf, withoutParts } from '#media/ffmpeg-parts.ts'
import { findOnPath, isProgram } from '#process/which.ts'

const run = promisify(execFile)

// One output file; a bomb that grows beyond it gets SIGXFSZ.
const MAX_FILE_BYTES = 64 * 1024 ** 3
const MAX_OPEN_FILES = 512
// The data of one process: 8K decodes in a third of it, a bomb does not take the machine.
const MAX_DATA_BYTES = 6 * 1024 ** 3
const PROBE_CPU_SECONDS = 60

export interface Launcher {
  /** walls that stand, such as "no network" */
  walls: string[]
  /** walls this system cannot give */
  missing: string[]
  /** FFmpeg inside them: a script */
  ffmpeg: string
}

interface Wall {
  name: string
  /** tried in order, each with a program it starts; the first that works is used */
  ways: string[][]
}

// Linux shares the processor among sessions first (sched(7), "The autogroup feature"): `nice` then means
// nothing to a web process in another one. So FFmpeg gets a session of its own that gives way as a whole,
// half as far: a ladder beside a machine's other work should be slow, not stand still.
// The kernel takes ten of these a second from those who are not root.
const TAKE_PRIORITY = `half=$(($(nice) / 2))
[ $half = 0 ] || for try in 1 2 3 4 5; do
  [ -w /proc/self/autogroup ] || break
  echo $half >/proc/self/autogroup && break
  sleep 0.1
done 2>/dev/null
exec "$@"`

const WALLS: Wall[] = [
  { name: 'priority', ways: [['setsid', 'sh', '-c', TAKE_PRIORITY, 'sh']] },
  // As root directly, else inside a user namespace of its own, where the system allows one.
  {
    name: 'no network',
    ways: [
      ['unshare', '--net', '--'],
      ['unshare', '--user', '--map-current-user', '--net', '--'],
    ],
  },
  {
    name: 'limits',
    ways: [
      [
        'prlimit',
        `--fsize=${MAX_FILE_BYTES}`,
        '--core=0',
        `--nofile=${MAX_OPEN_FILES}`,
        `--data=${MAX_DATA_BYTES}`,
        '--',
      ],
    ],
  },
  // Last: a change of credentials after it would clear it.
  { name: 'dies with the worker', ways: [['setpriv', '--pdeathsig', 'KILL', '--']] },
]

/**
 * Finds the programs and the walls, writes the scripts and hands them to fluent-ffmpeg.
 * @param folder where the scripts go; workers share it, equal scripts have equal names
 * @throws an Error with a sentence for the operator
 */
export async function installLauncher(
  folder: string,
  given: { ffmpegPath: string | null; ffprobePath: string | null },
): Promise<Launcher> {
  const ffmpeg = find('ffmpeg', given.ffmpegPath, 'FFMPEG_PATH')
  const ffprobe = find('ffprobe', given.ffprobePath, 'FFPROBE_PATH')
  const { chain, walls, missing } = (await allWalls()) ?? (await wallByWall())
  await mkdir(folder, { recursive: true })
  const probeLimit = walls.includes('limits') ? ['prlimit', `--cpu=${PROBE_CPU_SECONDS}`, '--'] : []
  const script = await writeScript(folder, 'ffmpeg', [...chain, ffmpeg])
  fluent.setFfmpegPath(script)
  fluent.setFfprobePath(await writeScript(folder, 'ffprobe', [...probeLimit, ...chain, ffprobe]))
  return { walls, missing, ffmpeg: script }
}

interface Chain extends Omit<Launcher, 'ffmpeg'> {
  /** starts what follows it, inside the walls */
  chain: string[]
}

/** Most systems give every wall: one try then is enough. */
async function allWalls(): Promise<Chain | null> {
  const chain = await firstThatWorks([WALLS.flatMap(wall => wall.ways[0] ?? [])], [])
  return chain && { chain, walls: WALLS.map(wall => wall.name), missing: [] }
}

async function wallByWall(): Promise<Chain> {
  const result: Chain = { chain: [], walls: [], missing: [] }
  for (const { name, ways } of WALLS) {
    const way = await firstThatWorks(ways, result.chain)
    result.chain.push(...(way ?? []))
    ;(way ? result.walls : result.missing).push(name)
  }
  return result
}

/**
 * fluent-ffmpeg asks FFmpeg what it can do before a process's first command, and remembers: asked now, a
 * worker's first video does not wait for it. What goes wrong is asked again then.
 */
export async function askAhead(): Promise<void> {
  const asked = (ask: (done: () => void) => void) => new Promise<void>(ask)
  await Promise.all([
    asked(done => fluent.getAvailableFormats(done)),
    asked(done => fluent.getAvailableEncoders(done)),
  ])
}

/** From here on it lets others go first, though not as far as a ladder does. Where a system cannot, nothing. */
export async function giveWay(pid: number): Promise<void> {
  // Its session's share, and where sessions have none, that of all its threads.
  await Promise.allSettled([
    writeFile(`/proc/${pid}/autogroup`, '5'),
    run('renice', ['-n', '10', '-g', String(pid)]),
  ])
}

function find(program: string, given: string | null, variable: string): string {
  const found = given ? (isProgram(given) ? path.resolve(given) : null) : findOnPath(program)
  if (found) return found
  throw new Error(
    given
      ? `${variable} is ${given}, which is not a program this user may run.`
      : `${program} was not found: install FFmpeg (apt-get install ffmpeg, brew install ffmpeg), or set ${variable}.`,
  )
}

async function firstThatWorks(ways: string[][], inside: string[]): Promise<string[] | null> {
  for (const way of ways) {
    const [program, ...args] = [...inside, ...way, 'true']
    if (!program) continue
    try {
      await run(program, args)
      return way
    } catch {
      // not on this system or not allowed: the next way, or the wall is reported as missing
    }
  }
  return null
}

async function writeScript(folder: string, program: string, command: string[]): Promise<string> {
  // A scrubbed environment: nothing of the worker's secrets is FFmpeg's business.
  const scrubbed = ['exec', 'env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin', 'LC_ALL=C.UTF-8']
  const text = `#!/bin/sh\n${[...scrubbed, ...command.map(quote)].join(' ')} "$@"\n`
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  const file = path.join(folder, `${program}-${hash}`)
  // By rename: another worker may be starting the same script at this moment.
  const draft = `${file}.${process.pid}`
  await writeFile(draft, text, { mode: 0o755 })
  await rename(draft, file)
  return file
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/**
 * @param ffmpeg the script of `installLauncher`
 * @returns what it says of its version
 * @throws an Error with a sentence when it does not start, or cannot encode what we publish
 */
export async function requireEncoders(ffmpeg: string): Promise<string> {
  const { stdout, stderr } = await run(ffmpeg, ['-encoders']).catch(cause => {
    throw new Error(`FFmpeg does not start through ${ffmpeg}.`, { cause })
  })
  const missing = withoutParts(stdout, ENCODERS)
  if (missing.length > 0) {
    throw new Error(
      `This FFmpeg has no encoder ${missing.join(' and ')}: install a complete one, or set FFMPEG_PATH.`,
    )
  }
  return versionOf(stderr)
}
