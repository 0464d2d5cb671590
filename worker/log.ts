// One JSON line per event, past tense, with ids and durations; readable when it goes to a terminal.
import { type Logger, pino } from 'pino'

export type { Logger }

export function openLog(level: string): Logger {
  return pino({
    level,
    base: { process: 'worker', pid: process.pid },
    ...(process.stdout.isTTY && { transport: { target: 'pino-pretty' } }),
  })
}
