// A command of cli/ as an operator runs it: in a process of its own, from another folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

/** @param file such as `doctor.ts` */
export function runCli(file: string, args: string[], env: Record<string, string>) {
  const child: ChildProcess = spawn(
    process.execPath,
    [path.join(import.meta.dirname, '../cli', file), ...args],
    {
      cwd: tmpdir(),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const ended = Promise.all([
    text(child.stdout ?? Readable.from([])),
    text(child.stderr ?? Readable.from([])),
    once(child, 'close'),
  ]).then(([stdout, stderr, [status]]) => ({ stdout, stderr, status: status as number | null }))
  return { process: child, ended }
}
