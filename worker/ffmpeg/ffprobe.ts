// One run of ffprobe, through the launcher: what it may say is bounded, as a stranger's file may have it say
// gigabytes. (fluent-ffmpeg's own keeps all of it, and cannot be stopped.) Must not know what is asked for.
import { execFile } from 'node:child_process'
import os from 'node:os'
import { z } from 'zod'
import { ffprobeScript } from './launcher.ts'

// A hundred streams with all that is known of them need a tenth.
const MAX_OUTPUT_BYTES = 4 * 1024 ** 2

/** Another exit status than 0, or killed by a signal. */
export class FfprobeFailed extends Error {
  readonly stderr: string
  /** null when it was killed */
  readonly status: number | null
  /** it used up its time on the processor */
  readonly isOutOfTime: boolean
  /** it broke down over what it read, or was killed from outside, perhaps for want of memory */
  readonly hasDied: boolean
  constructor(cause: FailedRun, stderr: string) {
    super(`ffprobe ended with ${cause.signal ?? cause.code}: ${stderr.trim().split('\n').at(-1) ?? ''}`, {
      cause,
    })
    this.stderr = stderr
    this.status = typeof cause.code === 'number' && cause.code < KILLED ? cause.code : null
    const has = (signal: NodeJS.Signals) =>
      cause.signal === signal || cause.code === KILLED + os.constants.signals[signal]
    this.isOutOfTime = has('SIGXCPU')
    this.hasDied = DEATHS.some(has)
  }
}

/** It said more than we keep. */
export class FfprobeTooLoud extends Error {}

// As shells have it, so does what runs it in the box: 128 and the signal.
const KILLED = 128
const DEATHS: NodeJS.Signals[] = ['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSYS']

type FailedRun = Error & { code?: number | string | null; signal?: NodeJS.Signals | null }

const side = z.record(z.string(), z.unknown())
const answer = z.looseObject({
  streams: z.array(z.looseObject({ side_data_list: z.array(side).optional() })).optional(),
})

export interface Answer {
  /** its JSON; the fields of side data stand among their stream's own */
  said: unknown
  stderr: string
}

/**
 * @throws FfprobeFailed, FfprobeTooLoud, and what a start that failed or the signal throws
 */
export async function askFfprobe(args: string[], signal: AbortSignal): Promise<Answer> {
  const { stdout, stderr } = await run([...args, '-of', 'json', '-show_optional_fields', 'always'], signal)
  const said = answer.parse(JSON.parse(stdout))
  const streams = said.streams?.map(stream => Object.assign({}, stream, ...(stream.side_data_list ?? [])))
  return { said: { ...said, streams }, stderr }
}

function run(args: string[], signal: AbortSignal): Promise<{ stdout: string; stderr: string }> {
  const options = { signal, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const
  return new Promise((resolve, reject) => {
    execFile(ffprobeScript(), args, options, (error: FailedRun | null, stdout, stderr) => {
      if (!error) resolve({ stdout, stderr })
      else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
        reject(new FfprobeTooLoud('ffprobe said too much', { cause: error }))
      else if (typeof error.code === 'number' || error.signal) reject(new FfprobeFailed(error, stderr))
      else reject(error)
    })
  })
}
