// The web process's log: one JSON line per event, readable in a terminal.
import { pino } from 'pino'
import { loadConfig } from '#config'

export const log = pino({
  level: loadConfig(process.cwd()).logLevel,
  base: { process: 'web', pid: process.pid },
})
