// Children of a command: started in a group of their own, their output made readable, stopped as
// one. Must not know what they do.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { readable } from './log-line.ts'
import { Sentence } from './say.ts'

/** How long a child may take to end by itself. All of a stop fits in ten seconds, Postgres included. */
const graceMilliseconds = 6_000
const tailLines = 40

export interface ChildOptions {
  cwd: string
  env?: Record<string, string | undefined>
  /** Who runs it, when that is not ourselves. */
  user?: { uid?: number; gid?: number }
  /**
   * `raw` passes the output on as it is; `all` shows every line made readable, `problems` those that
   * warn, and what is no log line but went to stderr.
   */
  show: 'raw' | 'all' | 'problems' | 'nothing'
}

export interface Child {
  name: string
  /** 0 when it could not be started */
  pid: number
  /** Resolves when the process has ended, with a phrase such as `exit status 1`. Never rejects. */
  ended: Promise<Ending>
  /** The last lines it wrote. */
  tail(): string
  /** SIGTERM, and SIGKILL to its whole group for whatever is left six seconds later. */
  stop(): Promise<void>
}

interface Ending {
  status: number | null
  how: string
}

/**
 * Starts a child as leader of its own session: the terminal's Ctrl-C reaches only us, and we stop
 * our children in order. PGREEL_PARENT_PID lets it end by itself should we be killed outright.
 */
export function startChild(name: string, command: string, args: string[], options: ChildOptions): Child {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, PGREEL_PARENT_PID: String(process.pid) },
    stdio: options.show === 'raw' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...options.user,
  })
  const lines: string[] = []
  for (const stream of ['stdout', 'stderr'] as const) {
    const input = child[stream]
    if (!input) continue
    createInterface({ input }).on('line', raw => {
      const line = readable(raw)
      if (line.text === '') return
      lines.push(line.text)
      if (lines.length > tailLines) lines.shift()
      if (isShown(options.show, line.isProblem ?? stream === 'stderr')) console.log(`${name} │ ${line.text}`)
    })
  }
  const ended = endOf(child)
  let stopping: Promise<void> | undefined
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    tail: () => lines.join('\n'),
    stop: () => {
      stopping ??= stopGroup(child, ended)
      return stopping
    },
  }
}

/**
 * Runs a tool to its end.
 * @returns what it wrote last
 * @throws Sentence with that, when its exit status is not 0; the signal's reason when aborted
 */
export async function run(
  name: string,
  command: string,
  args: string[],
  options: ChildOptions & { signal: AbortSignal },
): Promise<string> {
  options.signal.throwIfAborted()
  const child = startChild(name, command, args, options)
  const stop = () => void child.stop()
  options.signal.addEventListener('abort', stop, { once: true })
  const { status, how } = await child.ended
  options.signal.removeEventListener('abort', stop)
  if (options.signal.aborted) await child.stop()
  options.signal.throwIfAborted()
  if (status !== 0) throw new Sentence(`${name} failed (${how}):\n${child.tail()}`)
  return child.tail()
}

function isShown(show: ChildOptions['show'], isProblem: boolean): boolean {
  return show === 'all' || (show === 'problems' && isProblem)
}

function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise(resolve => {
    child.once('error', error => resolve({ status: null, how: error.message }))
    // 'close' comes after the last output has been read; a grandchild may hold the pipe open
    // though, so the end itself is not waited for much longer than that takes.
    child.once('exit', (status, signal) => {
      const ending = { status, how: signal ?? `exit status ${status}` }
      child.once('close', () => resolve(ending))
      setTimeout(() => resolve(ending), 500).unref()
    })
  })
}

async function stopGroup(child: ChildProcess, ended: Promise<Ending>): Promise<void> {
  if (child.pid === undefined) return
  child.kill('SIGTERM')
  const timer = new AbortController()
  await Promise.race([ended, delay(graceMilliseconds, undefined, { signal: timer.signal, ref: true })])
  timer.abort()
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: nothing is left of the group. EPERM (macOS): only zombies are.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
  await ended
}
