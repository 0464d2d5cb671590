// Preloaded into a web or worker process (`node --import`): once armed by SIGUSR2, ends the process as a power
// cut would, just before its n-th step. A step is a statement to Postgres, or something that a file
// operation changes. Before the n-th is after the one before it: nothing lies between.
import callbacks, { appendFileSync } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import pg from 'pg'

const nth = Number(process.env.KILL_AT)
// Each step's name goes here, for the report.
const journal = process.env.KILL_JOURNAL ?? ''
let isArmed = false
let count = 0
process.on('SIGUSR2', () => {
  isArmed = true
})

function step(name: string): void {
  if (!isArmed) return
  count += 1
  if (journal) appendFileSync(journal, `${name.replaceAll(/\s+/g, ' ').slice(0, 120)}\n`)
  if (count === nth) process.kill(process.pid, 'SIGKILL')
}

// What goes on whether or not a video is worked on: heartbeats, and pg-boss looking for jobs by itself.
const BACKGROUND = /insert into "workers"|pg_notify\('pgreel_worker|listen |pgboss/i
type Query = (this: pg.Client, ...args: unknown[]) => unknown
const query = pg.Client.prototype.query as unknown as Query
const inTransaction = new WeakSet<pg.Client>()
const counted: Query = function (...args) {
  const [first] = args
  const text = typeof first === 'string' ? first : String((first as { text?: string } | null)?.text ?? '')
  if (/^begin$/i.test(text)) inTransaction.add(this)
  if (inTransaction.has(this) || !BACKGROUND.test(text)) step(text)
  if (/^(commit|rollback)$/i.test(text)) inTransaction.delete(this)
  return query.apply(this, args)
}
Object.assign(pg.Client.prototype, { query: counted })

const CHANGING = [
  ...['mkdir', 'rename', 'rm', 'rmdir', 'unlink', 'writeFile', 'chmod', 'link', 'copyFile', 'truncate'],
] as const
for (const name of CHANGING) {
  const original = fs[name] as (...args: unknown[]) => Promise<unknown>
  const changed = (...args: unknown[]) => {
    step(`${name} ${args.filter(arg => typeof arg === 'string').join(' ')}`)
    return original(...args)
  }
  Object.assign(fs, { [name]: changed })
}
// What streams write with.
for (const name of ['write', 'writev'] as const) {
  const original = callbacks[name] as (...args: unknown[]) => void
  Object.assign(callbacks, {
    [name](...args: unknown[]) {
      step(`stream.${name}`)
      original(...args)
    },
  })
}
syncBuiltinESMExports()

// Those of handles: their class is not exported.
const handle = await fs.open(process.execPath, 'r')
const prototype: FileHandle = Object.getPrototypeOf(handle)
await handle.close()
for (const name of ['sync', 'datasync', 'write', 'writev', 'writeFile', 'truncate'] as const) {
  const original = prototype[name] as (this: FileHandle, ...args: unknown[]) => Promise<unknown>
  Object.assign(prototype, {
    [name](this: FileHandle, ...args: unknown[]) {
      step(`handle.${name}`)
      return original.apply(this, args)
    },
  })
}
