// The web process's log: one JSON line per event, readable in a terminal.
import { pino } from 'pino'

export const log = pino({
  level: process.env.LOG_LEVEL || 'info',
  base: { process: 'web', pid: process.pid },
})
