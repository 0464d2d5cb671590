// Runs one FFmpeg command to its end: progress, stop signal, watchdog, and its errors sorted.
// Must not know what the command is for.
import type { ChildProcess } from 'node:child_process'
import type { FfmpegCommand } from 'fluent-ffmpeg'
import type { Logger } from 'pino'
import type { Config } from '#config'
import { WorldError } from '../errors.ts'
import { tooMuch, untilTooLarge } from '../scratch-limit.ts'
import { giveWay } from './launcher.ts'

const STALL_SECONDS = 120
const PROGRESS_EVERY_MS = 1000
// What still moves may end its files; what does not is killed.
const END_WITHIN_MS = 2000

/** FFmpeg said no: whether the file or the command is to blame, the caller must find out. */
export class FfmpegFailed extends Error {
  readonly stderr: string
  constructor(stderr: string, options?: ErrorOptions) {
    super(`FFmpeg failed: ${stderr.trim().split('\n').at(-1) ?? ''}`, options)
    this.stderr = stderr
  }
}

/** FFmpeg came to no end of its own: the machine's fault, or that of what it was to do. */
export class FfmpegDied extends WorldError {
  constructor(code: (typeof DEATHS)[number], what: string, options?: ErrorOptions) {
    super(code, `FFmpeg ${what}.`, options)
  }
}

export const DEATHS = ['ffmpeg_killed', 'ffmpeg_hung', 'ffmpeg_slow'] as const

interface RunOptions {
  signal: AbortSignal
  log: Logger
  /** from when it fires, nobody waits for this command any more */
  unhurried?: AbortSignal
  /** at most once a second; seconds of output so far */
  onProgress?: (seconds: number) => void
  /** how long it may take at the very most, however well it moves */
  withinSeconds?: number
  /** how long it may stand still */
  config?: Pick<Config, 'stallSeconds'>
  /** where it may write, and how much of the disk may lie there, whoever wrote it */
  scratch?: string
  scratchBytes?: number
}

/**
 * @returns what FFmpeg wrote to stderr (its last lines)
 * @throws FfmpegFailed, FfmpegDied (killed, hung, too slow), WorldError (disk full, scratch too large), or the signal's reason
 */
export async function runFfmpeg(
  command: FfmpegCommand,
  { signal, log, unhurried, onProgress, withinSeconds, config, scratch, scratchBytes }: RunOptions,
): Promise<string> {
  signal.throwIfAborted()
  surviveFailedSpawn(command)
  const started = performance.now()
  const stallSeconds = config?.stallSeconds ?? STALL_SECONDS
  let overdue: WorldError | null = null
  return new Promise<string>((resolve, reject) => {
    let lastReport = 0
    let lastState = ''
    const kill = () => endGroup(command, 'SIGKILL')
    const slowDown = () => {
      const pid = pidOf(command)
      if (pid !== null) void giveWay(pid)
    }
    const timers: NodeJS.Timeout[] = []
    const endBecause = (error: FfmpegDied) => {
      overdue ??= error
      endGroup(command, 'SIGTERM')
      timers.push(setTimeout(kill, END_WITHIN_MS))
    }
    const watchdog = setTimeout(
      () => endBecause(new FfmpegDied('ffmpeg_hung', `made no progress for ${stallSeconds} s`)),
      stallSeconds * 1000,
    )
    timers.push(watchdog)
    if (withinSeconds !== undefined) {
      const tooSlow = () => endBecause(new FfmpegDied('ffmpeg_slow', `was not done in ${withinSeconds} s`))
      timers.push(setTimeout(tooSlow, withinSeconds * 1000))
    }
    const ended = new AbortController()
    if (scratch !== undefined && scratchBytes !== undefined) {
      const tooLarge = () => {
        overdue ??= tooMuch(scratchBytes)
        kill() // what does that is not asked to end its files
      }
      untilTooLarge(scratch, scratchBytes, ended.signal).then(tooLarge, (err: unknown) => {
        if (!ended.signal.aborted) log.warn({ err }, 'scratch not watched')
      })
    }
    const done = () => {
      ended.abort()
      for (const timer of timers) clearTimeout(timer)
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
        else reject(overdue ?? sortError(error, stderr ?? ''))
      })
      .on('end', (_stdout: string | null, stderr: string | null) => {
        done()
        log.debug({ ms: Math.round(performance.now() - started) }, 'ffmpeg ended')
        // It may end well when it is told to end, or its disk is full: what it wrote is not all.
        const trouble = overdue ?? diskFull(stderr ?? '')
        if (trouble) reject(trouble)
        else resolve(stderr ?? '')
      })
      .run()
  })
}

/** The launcher gives it a session, so that whatever it started ends with it; without one, it alone. */
function endGroup(command: FfmpegCommand, signal: 'SIGTERM' | 'SIGKILL'): void {
  const pid = pidOf(command)
  if (pid === null) return
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal)
      return
    } catch {
      // no such group, or it has ended
    }
  }
}

/** Null before its 'start' and after its end. */
function pidOf(command: FfmpegCommand): number | null {
  const { ffmpegProc } = command as unknown as { ffmpegProc?: ChildProcess }
  const isRunning = ffmpegProc?.exitCode === null && ffmpegProc.signalCode === null
  return isRunning ? (ffmpegProc.pid ?? null) : null
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

function sortError(error: Error, stderr: string): Error {
  if (isToolBroken(`${error.message}\n${stderr}`)) {
    return new WorldError('ffmpeg_broken', 'FFmpeg could not be run.', { cause: error })
  }
  if (wasKilled(error)) {
    return new FfmpegDied('ffmpeg_killed', 'was killed, perhaps for want of memory', { cause: error })
  }
  return diskFull(stderr, error) ?? new FfmpegFailed(stderr || error.message, { cause: error })
}

// In its box a signal becomes an exit status, 128 and more as in a shell. FFmpeg 7 has statuses there of
// its own, for what a disk or a network did: no file is to blame for these either.
function wasKilled({ message }: Error): boolean {
  return /was killed with signal|exited with code 1(29|[34]\d|5\d)\b/.test(message)
}

function diskFull(stderr: string, cause?: Error): WorldError | null {
  // What it says of the file, such as its title, is indented.
  if (!/^\S.*(No space left on device|Disk quota exceeded)/m.test(stderr)) return null
  return new WorldError('disk_full', 'The disk is full.', { cause })
}

// What it says of the file, such as its title, is indented: no stranger's words decide whose fault it is.
const FILES_WORDS = /^\s.*$/gm
// What dav1d says of a damaged picture.
const DECODERS_WORD = /^.*\bError (while decoding|submitting).*Resource temporarily unavailable$/gm

/** The program or the machine, not the file: it did not start, or found no memory, library or wall. */
export function isToolBroken(message: string): boolean {
  const others = message.replaceAll(FILES_WORDS, '').replaceAll(DECODERS_WORD, '')
  return /exited with code 12[67]\b|\bE(NOENT|ACCES|AGAIN|NOMEM|MFILE|NFILE)\b|Cannot allocate memory|error while loading shared libraries|Resource temporarily unavailable|^(bwrap|setpriv|unshare|prlimit): /m.test(
    others,
  )
}

/** @param stderr of an FFmpeg that ended @returns how many pictures its first video stream was given */
export function countPictures(stderr: string): number | null {
  const last = /.*\bframe= *(\d+)/s.exec(stderr)?.[1]
  return last === undefined ? null : Number(last)
}

/** @param stderr of an FFmpeg that ended @returns how much it wrote of the longest of its streams */
export function readSeconds(stderr: string): number {
  return parseTimemark(/.*\btime=(\S+)/s.exec(stderr)?.[1] ?? '')
}

/** FFmpeg's `HH:MM:SS.cc`; it may be negative or N/A before the first frame. */
function parseTimemark(timemark: string): number {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(timemark)
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : 0
}
