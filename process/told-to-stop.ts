// When a process has to end: a signal, or the death of what started it. `npx pnpm …` puts up to
// five processes above ours and passes on neither SIGTERM nor its own death, so all are watched.
import { readlinkSync } from 'node:fs'
import { ancestors, isAlive, type ProcessId } from './table.ts'

const pollMilliseconds = 300

/**
 * Aborts, with a sentence as reason, once this process should stop: SIGINT, SIGTERM, SIGHUP, or a
 * process that started it is gone. Further signals change nothing: stopping is bounded anyway, and
 * one Ctrl-C may arrive twice (from the terminal and from pnpm). The caller may abort it for other reasons.
 */
export function toldToStop(): AbortController {
  const controller = new AbortController()
  const stop = (why: string) => controller.abort(new Stopped(why))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop(name))
  // When what read our output has gone, writing fails; that must not cost the orderly stop.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    })
  }
  whenOrphaned(() => stop('the process that started it has ended'))
  return controller
}

/** Calls back once, when a process that this one must not outlive has ended. Does not keep us alive. */
export function whenOrphaned(callback: () => void): void {
  const parents = watched(ancestors())
  // Ours could be gone before we looked; then it is not among them.
  const isOrphan = () => parents === null || !parents.every(isAlive)
  const poll = setInterval(() => {
    if (!isOrphan()) return
    clearInterval(poll)
    callback()
  }, pollMilliseconds)
  poll.unref()
}

/** The reason of an abort that somebody asked for. */
export class Stopped extends Error {}

/** Resolves once the signal aborts. Does not keep the process alive. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * One of pgreel's own launchers, which says so in PGREEL_PARENT_PID, and what stands between (`node
 * --watch`, `next dev`); null when it is gone already. Else the package managers above us and whoever
 * called them. The caller does not count when standard input is /dev/null: that is how shells, cron
 * and service managers start what shall outlive them (`… &` in a script).
 */
function watched(all: (ProcessId & { command: string })[]): ProcessId[] | null {
  const launcher = Number(process.env.PGREEL_PARENT_PID)
  if (launcher) {
    const found = all.findIndex(({ pid }) => pid === launcher)
    return found < 0 ? null : all.slice(0, found + 1)
  }
  let managers = 0
  for (const [index, { command }] of all.entries()) {
    if (packageManager.test(command)) managers = index + 1
    else if (!shellOfAScript.test(command)) break
  }
  return all.slice(0, managers + (isInBackground() ? 0 : 1))
}

// `npm exec …`, `pnpm worker`, `node /usr/lib/node_modules/npm/bin/npx-cli.js …`; not a shell whose
// script mentions them, since that one is the caller.
const packageManager = /^(\S*\/)?(node \S*\/)?(npx|npm|pnpm)(-cli)?(\.[cm]?js)?( |$)/
const shellOfAScript = /^(\S*\/)?(sh|bash|dash) -c /

function isInBackground(): boolean {
  try {
    return readlinkSync('/proc/self/fd/0') === '/dev/null'
  } catch (error) {
    // No /proc (macOS), or no standard input at all.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
