// The one way FFmpeg and ffprobe are started. fluent-ffmpeg has no options for spawning, so it is
// given a small script for each program that puts up the walls this system can give, then runs the
// program (process/walls.ts). Priority is fluent-ffmpeg's own `niceness`.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, realpath, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import fluent from 'fluent-ffmpeg'
import { ENCODERS, versionOf, withoutParts } from '#media/ffmpeg-parts.ts'
import { findWalls, type Walls } from '#process/walls.ts'
import { findOnPath, isProgram } from '#process/which.ts'

const run = promisify(execFile)

const PROBE_CPU_SECONDS = 60

// As fluent-ffmpeg keeps FFmpeg's: one for the process.
let installedFfprobe = ''

export interface Launcher extends Pick<Walls, 'walls' | 'missing'> {
  /** the programs inside them: scripts */
  ffmpeg: string
  ffprobe: string
}

/**
 * Finds the programs and the walls, writes the scripts and hands them to fluent-ffmpeg.
 * @param folder where the scripts go; workers share it, equal scripts have equal names. FFmpeg writes
 *   beside it and nowhere else: in its working directory
 * @throws an Error with a sentence for the operator
 */
export async function installLauncher(
  folder: string,
  given: { ffmpegPath: string | null; ffprobePath: string | null },
): Promise<Launcher> {
  const ffmpeg = find('ffmpeg', given.ffmpegPath, 'FFMPEG_PATH')
  const ffprobe = find('ffprobe', given.ffprobePath, 'FFPROBE_PATH')
  await mkdir(folder, { recursive: true })
  const workFolder = path.dirname(await realpath(folder))
  const [around, aroundProbe] = await Promise.all([
    findWalls({ program: ffmpeg, workFolder }),
    findWalls({ program: ffprobe, workFolder, cpuSeconds: PROBE_CPU_SECONDS }),
  ])
  const scripts = {
    ffmpeg: await writeScript(folder, 'ffmpeg', around.script),
    ffprobe: await writeScript(folder, 'ffprobe', aroundProbe.script),
  }
  fluent.setFfmpegPath(scripts.ffmpeg)
  fluent.setFfprobePath(scripts.ffprobe)
  installedFfprobe = scripts.ffprobe
  const missing = [...new Set([...around.missing, ...aroundProbe.missing])]
  return { ...scripts, missing, walls: around.walls.filter(name => !missing.includes(name)) }
}

export function ffprobeScript(): string {
  return installedFfprobe
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

async function writeScript(folder: string, program: string, text: string): Promise<string> {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  const file = path.join(folder, `${program}-${hash}`)
  // By rename: another worker may be starting the same script at this moment.
  const draft = `${file}.${process.pid}`
  await writeFile(draft, text, { mode: 0o755 })
  await rename(draft, file)
  return file
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
