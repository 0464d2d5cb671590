// Runs one FFmpeg command to its end: progress, stop signal, watchdog, and its errors sorted.
// Must not know what the command is for.
import type { FfmpegCommand } from 'fluent-ffmpeg'
import type { Logger } from 'pino'
import { WorldError } from '../errors.ts'
import { giveWay } from './launcher.ts'

const NO_PROGRESS_SECONDS = 120
const PROGRESS_EVERY_MS = 1000

/** FFmpeg said no: whether the file or the command is to blame, the caller must find out. */
export class FfmpegFailed extends Error {
  readonly stderr: string
  constructor(stderr: string, options?: ErrorOptions) {
    super(`FFmpeg failed: ${stderr.trim().split('\n').at(-1) ?? ''}`, options)
    this.stderr = stderr
  }
}

interface RunOptions {
  signal: AbortSignal
  log: Logger
  /** from when it fires, nobody waits for this command any more */
  unhurried?: AbortSignal
  /** at most once a second; seconds of output so far */
  onProgress?: (seconds: number) => void
}

/**
 * @returns what FFmpeg wrote to stderr (its last lines)
 * @throws FfmpegFailed, WorldError (killed, hung, disk full), or the signal's reason
 */
export async function runFfmpeg(
  command: FfmpegCommand,
  { signal, log, unhurried, onProgress }: RunOptions,
): Promise<string> {
  signal.throwIfAborted()
  surviveFailedSpawn(command)
  const started = performance.now()
  let isHung = false
  return new Promise<string>((resolve, reject) => {
    let lastReport = 0
    let lastState = ''
    const kill = () => command.kill('SIGKILL')
    const slowDown = () => void giveWay(pidOf(command))
    const watchdog = setTimeout(() => {
      isHung = true
      kill()
    }, NO_PROGRESS_SECONDS * 1000)
    const done = () => {
      clearTimeout(watchdog)
      signal.removeEventListener('abort', kill)
      unhurried?.removeEventListener('abort', slowDown)
    }
    signal.addEventListener('abort', kill)
    unhurried?.addEventListener('abort', slowDown)
    command
      .on('start', line => {
        log.debug({ command: line }, 'ffmpeg started')
        // Aborted between spawn and start: there was nothing to kill yet.
        if (signal.aborted) kill()
      })
      // Not its 'progress': for a percentage, that one has ffprobe read the whole source as well.
      .on('stderr', (line: string) => {
        const time = /\btime=(\S+)/.exec(line)?.[1]
        if (!time) return
        // FFmpeg 7 prints its line however stuck it is: only what moves counts.
        const state = `${time} ${/\bframe= *(\d+)/.exec(line)?.[1]}`
        if (state !== lastState) watchdog.refresh()
        lastState = state
        const now = performance.now()
        if (!onProgress || now - lastReport < PROGRESS_EVERY_MS) return
        lastReport = now
        onProgress(parseTimemark(time))
      })
      .on('error', (error: Error, _stdout: string | null, stderr: string | null) => {
        done()
        if (signal.aborted) reject(signal.reason)
        else reject(sortError(error, stderr ?? '', isHung))
      })
      .on('end', (_stdout: string | null, stderr: string | null) => {
        done()
        log.debug({ ms: Math.round(performance.now() - started) }, 'ffmpeg ended')
        resolve(stderr ?? '')
      })
      .run()
  })
}

/** Known from its 'start' on. */
function pidOf(command: FfmpegCommand): number {
  return (command as unknown as { ffmpegProc: { pid: number } }).ffmpegProc.pid
}

type End = (error: Error | null, stdout?: Ring, stderr?: Ring) => void
type Spawn = (...args: [...unknown[], End]) => void
interface Ring {
  get: () => string
}
const NOTHING: Ring = { get: () => '' }

/**
 * When there is no process (no memory, no more pids, a working directory that has just been removed)
 * fluent-ffmpeg 2.1.3 reads output that it does not have, and throws where nobody can catch it.
 */
function surviveFailedSpawn(command: FfmpegCommand): void {
  const own = command as unknown as { _spawnFfmpeg: Spawn }
  const spawn = own._spawnFfmpeg
  own._spawnFfmpeg = function (...args) {
    const end = args.pop() as End
    const survive: End = (error, stdout = NOTHING, stderr = NOTHING) => end(error, stdout, stderr)
    spawn.call(this, ...args, survive)
  }
}

function sortError(error: Error, stderr: string, isHung: boolean): Error {
  if (isHung) {
    return new WorldError(
      'ffmpeg_hung',
      `FFmpeg made no progress for ${NO_PROGRESS_SECONDS} s and was killed.`,
    )
  }
  if (isToolBroken(`${error.message}\n${stderr}`)) {
    return new WorldError('ffmpeg_broken', 'FFmpeg could not be run.', { cause: error })
  }
  if (/was killed with signal/.test(error.message)) {
    return new WorldError('ffmpeg_killed', 'FFmpeg was killed, perhaps for want of memory.', { cause: error })
  }
  if (/No space left on device|Disk quota exceeded/.test(stderr)) {
    return new WorldError('disk_full', 'The disk is full.', { cause: error })
  }
  return new FfmpegFailed(stderr || error.message, { cause: error })
}

/** The program or the machine, not the file: it did not start, or found no memory or library. */
export function isToolBroken(message: string): boolean {
  return /exited with code 12[67]\b|\bE(NOENT|ACCES|AGAIN|NOMEM|MFILE|NFILE)\b|Cannot allocate memory|error while loading shared libraries|Resource temporarily unavailable/.test(
    message,
  )
}

/** FFmpeg's `HH:MM:SS.cc`; it may be negative or N/A before the first frame. */
function parseTimemark(timemark: string): number {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(timemark)
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : 0
}
