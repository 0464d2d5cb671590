// One run of ffprobe, through the launcher: what it may say is bounded, as a stranger's file may have it say
// gigabytes. (fluent-ffmpeg's own keeps all of it, and cannot be stopped.) Must not know what is asked for.
import { execFile } from 'node:child_process'
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
  constructor(cause: FailedRun, stderr: string) {
    super(`ffprobe ended with ${cause.signal ?? cause.code}: ${stderr.trim().split('\n').at(-1) ?? ''}`, {
      cause,
    })
    this.stderr = stderr
    this.status = typeof cause.code === 'number' && cause.code < KILLED ? cause.code : null
    this.isOutOfTime = cause.signal === 'SIGXCPU' || cause.code === KILLED + SIGXCPU
  }
}

/** It said more than we keep. */
export class FfprobeTooLoud extends Error {}

// As shells have it, so does what runs it in the box: 128 and the signal.
const KILLED = 128
const SIGXCPU = 24

type FailedRun = Error & { code?: number | string | null; signal?: NodeJS.Signals | null }

const side = z.record(z.string(), z.unknown())
const answer = z.looseObject({
  streams: z.array(z.looseObject({ side_data_list: z.array(side).optional() })).optional(),
})

/**
 * @returns its JSON; the fields of side data stand among their stream's own
 * @throws FfprobeFailed, FfprobeTooLoud, and what a start that failed or the signal throws
 */
export async function askFfprobe(args: string[], signal: AbortSignal): Promise<unknown> {
  const text = await run([...args, '-of', 'json', '-show_optional_fields', 'always'], signal)
  const said = answer.parse(JSON.parse(text))
  const streams = said.streams?.map(stream => Object.assign({}, stream, ...(stream.side_data_list ?? [])))
  return { ...said, streams }
}

function run(args: string[], signal: AbortSignal): Promise<string> {
  const options = { signal, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES } as const
  return new Promise((resolve, reject) => {
    execFile(ffprobeScript(), args, options, (error: FailedRun | null, stdout, stderr) => {
      if (!error) resolve(stdout)
      else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
        reject(new FfprobeTooLoud('ffprobe said too much', { cause: error }))
      else if (typeof error.code === 'number' || error.signal) reject(new FfprobeFailed(error, stderr))
      else reject(error)
    })
  })
}
