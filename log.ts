// The log of both processes: one JSON line per event, past tense, with ids and durations; readable
// when it goes to a terminal. Secrets are taken out here, whoever logs them.
import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

const SECRETS = ['databaseUrl', 'DATABASE_URL', 'password', 'cookie', 'authorization']
// Errors quote addresses: user and host may be read, the password may not.
const PASSWORD_IN_URL = /([a-z]+:\/\/[^\s:/@"]*:)[^\s@/"]+@/gi

/** @param mixin adds fields to each line, such as the request it belongs to */
export function openLog(name: 'web' | 'worker', level: string, mixin: () => object = () => ({})): Logger {
  const options = {
    level,
    mixin,
    base: { process: name, pid: process.pid },
    redact: SECRETS.flatMap(key => [key, `*.${key}`, `*.*.${key}`]),
    hooks: { streamWrite: (line: string) => line.replace(PASSWORD_IN_URL, '$1***@') },
  }
  return process.stdout.isTTY ? pino(options, pretty()) : pino(options)
}
