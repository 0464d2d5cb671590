// One JSON line per event, past tense, with ids and durations; readable when it goes to a terminal.
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

export function openLog(level: string): Logger {
  const options = { level, base: { process: 'worker', pid: process.pid } }
  return process.stdout.isTTY ? pino(options, pretty()) : pino(options)
}
