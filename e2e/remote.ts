// What a story does with a browser that Playwright cannot drive as Debian ships it. Firefox and
// WebKitGTK speak two of W3C's protocols, of which a story needs six commands: less than any client.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** One window of a browser. */
export interface Remote {
  open: (url: string) => Promise<void>
  /** @param expression what it gives must be JSON */
  evaluate: <Value>(expression: string) => Promise<Value>
  /** as a person does, with all that a browser takes for a gesture */
  press: (key: string) => Promise<void>
  click: (x: number, y: number) => Promise<void>
  close: () => Promise<void>
}

export const SCREEN = { width: 420, height: 844 }
export const UP_WITHIN_MS = 60_000

type Action = Record<string, string | number>

/** For the actions of both protocols. */
export function keyPress(key: string) {
  const actions: Action[] = ['keyDown', 'keyUp'].map(type => ({ type, value: key }))
  return [{ type: 'key', id: 'keyboard', actions }]
}

export function clickAt(x: number, y: number) {
  const moves: Action[] = [
    { type: 'pointerMove', x: Math.round(x), y: Math.round(y) },
    { type: 'pointerDown', button: 0 },
    { type: 'pointerUp', button: 0 },
  ]
  return [{ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions: moves }]
}

/** @param launch leaves in `closing` whatever has to end with the browser, also when it does not come up */
export async function withClosing(
  launch: (closing: AsyncDisposableStack) => Promise<Omit<Remote, 'close'>>,
): Promise<Remote> {
  const closing = new AsyncDisposableStack()
  try {
    return { ...(await launch(closing)), close: () => closing.disposeAsync() }
  } catch (error) {
    await closing.disposeAsync()
    throw error
  }
}

/** A folder that a browser may write into. */
export async function makeHome(closing: AsyncDisposableStack): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), 'pgreel-browser-'))
  closing.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  return home
}

/**
 * One of the programs that a browser is made of.
 * @returns waits until it says something
 */
export function startProgram(
  closing: AsyncDisposableStack,
  file: string,
  args: string[],
  env: Record<string, string> = {},
): (pattern: RegExp) => Promise<RegExpMatchArray> {
  // A group of its own, so that what it starts ends with it.
  const child = spawn(file, args, {
    ...{ env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => (output += chunk))
  const ended = once(child, 'exit')
  closing.defer(async () => {
    if (child.exitCode === null && child.signalCode === null && child.pid) process.kill(-child.pid, 'SIGKILL')
    await ended
  })
  return async pattern => {
    const deadline = performance.now() + UP_WITHIN_MS
    for (;;) {
      const match = output.match(pattern)
      if (match) return match
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`${path.basename(file)} did not come up:\n${output}`)
      }
      await delay(50)
    }
  }
}
