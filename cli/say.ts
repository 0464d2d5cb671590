// What an operator reads while a command works: one line per step, with the time since the start.
// No colours or symbols that a log file could not hold.
import { ConfigError } from '#config'

/** Prints one line for a person. */
export type Say = (line: string) => void

/** A `Say` that puts the seconds since its making in front. */
export function timedSay(): Say {
  const start = performance.now()
  return line => {
    const [first, ...rest] = line.split('\n')
    console.log(`${elapsed(start).padStart(8)}  ${first}`)
    for (const more of rest) console.log(`${' '.repeat(8)}  ${more}`)
  }
}

/** Seconds since a `performance.now()`, such as `0.4 s`. */
export function elapsed(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}

/** Prints errors that a person can act on as their sentence, all others with their stack. */
export function fail(error: unknown): void {
  console.error(error instanceof Sentence || error instanceof ConfigError ? error.message : ofDisk(error))
  process.exitCode = 1
}

const DISK: Record<string, string> = {
  ENOSPC: 'the disk is full: make room there',
  EDQUOT: 'the disk quota is used up: make room there',
  EACCES: 'this user may not write or read there: give it the right to, or name another place',
  EPERM: 'this user may not write or read there: give it the right to, or name another place',
  EROFS: 'that file system is read-only: name another place',
  ENOTDIR: 'a part of that path is a file: name another place',
}

/** @returns a sentence for what an operator can mend, else the error as it is */
function ofDisk(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error)) return error
  const advice = DISK[String(error.code)]
  if (!advice) return error
  const place = 'dest' in error ? error.dest : 'path' in error ? error.path : null
  return `${place ?? error.message}: ${advice}.`
}

/** An error whose message says to the operator what happened and what to do. No stack is shown. */
export class Sentence extends Error {}
