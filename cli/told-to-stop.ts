// When a command has to end: a signal, or the death of what started it. `npx pnpm …` puts up to
// five processes above ours and passes on neither SIGTERM nor its own death, so all are watched.
import { readlinkSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ancestors, isAlive, type ProcessId } from './process-table.ts'
import { Sentence } from './say.ts'

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
  const parents = watchedParents()
  const poll = setInterval(() => {
    if (!parents.every(isAlive)) stop('the process that started it has ended')
    if (controller.signal.aborted) clearInterval(poll)
  }, pollMilliseconds)
  poll.unref()
  return controller
}

/** The reason of an abort that somebody asked for. */
export class Stopped extends Error {}

/**
 * Waits for `work`; when it fails because of an abort, the abort's reason is the error. A connection
 * breaks a moment before the process at its other end is known to have ended, hence the pause.
 */
export async function orReason<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Sentence)) await Promise.race([aborted(signal), delay(1_000)])
    signal.throwIfAborted()
    throw error
  }
}

/** Resolves once the signal aborts. Does not keep the process alive. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Our parent, the package managers above it, and whoever called those. The last one does not count
 * when standard input is /dev/null: that is how shells, cron and service managers start what shall
 * outlive them (`… &` in a script).
 */
function watchedParents(): ProcessId[] {
  const all = ancestors()
  let last = 0
  while (/\b(npx|npm|pnpm)\b/.test(all[last + 1]?.command ?? '')) last += 1
  return all.slice(0, last + (isInBackground() ? 1 : 2))
}

function isInBackground(): boolean {
  try {
    return readlinkSync('/proc/self/fd/0') === '/dev/null'
  } catch (error) {
    // No /proc (macOS), or no standard input at all.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
