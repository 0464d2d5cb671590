// Turns a child's line (pino's JSON, or plain text) into one that people read.
import { stripVTControlCharacters } from 'node:util'

const levels: Record<number, string> = { 40: 'warning: ', 50: 'error: ', 60: 'fatal: ' }
const internal = new Set(['level', 'time', 'pid', 'hostname', 'msg', 'name', 'err'])

/** `isProblem` is null when the line does not say. */
export function readable(raw: string): { text: string; isProblem: boolean | null } {
  const entry = parse(raw)
  // Tools colour their lines even here, and hide the cursor.
  if (!entry) return { text: stripVTControlCharacters(raw), isProblem: null }
  const details = Object.entries(entry)
    .filter(([key, value]) => !internal.has(key) && value !== null)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
  const error = entry.err as { message?: string; stack?: string } | undefined
  const text = [`${levels[entry.level] ?? ''}${entry.msg}`, ...details, error?.stack ?? error?.message ?? '']
  return { text: text.filter(Boolean).join('  '), isProblem: entry.level >= 40 }
}

function parse(raw: string): ({ level: number; msg: string } & Record<string, unknown>) | null {
  if (!raw.startsWith('{')) return null
  try {
    const value = JSON.parse(raw)
    return typeof value.level === 'number' && typeof value.msg === 'string' ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
