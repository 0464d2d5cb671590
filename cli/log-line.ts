// Turns a child's line (pino's JSON, or plain text) into one that people read.
import { stripVTControlCharacters } from 'node:util'
import { prettyFactory } from 'pino-pretty'

const pretty = prettyFactory({ colorize: false, singleLine: true, ignore: 'time,pid,hostname,process' })

/** `isProblem` is null when the line does not say. */
export function readable(raw: string): { text: string; isProblem: boolean | null } {
  const [, level] = /^\{"level":(\d+)/.exec(raw) ?? []
  // Tools colour their lines even here, and hide the cursor.
  const text = stripVTControlCharacters(pretty(raw)).trimEnd()
  return { text, isProblem: level ? Number(level) >= 40 : null }
}
