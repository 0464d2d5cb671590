// WebKitGTK by classic WebDriver (https://www.w3.org/TR/webdriver2/), through its own WebKitWebDriver and
// with the browser that comes with the library, on a screen that nobody sees.
import { globSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { anyFreePort } from '#cli/ports.ts'
import { findOnPath } from '#process/which.ts'
import {
  clickAt,
  keyPress,
  makeHome,
  type Remote,
  SCREEN,
  startProgram,
  UP_WITHIN_MS,
  withClosing,
} from './remote.ts'

interface Programs {
  driver: string
  browser: string
  screen: string
}

/** @returns null where any part of it is not installed */
export function findWebKit(): (() => Promise<Remote>) | null {
  const driver = findOnPath('WebKitWebDriver')
  const browser = globSync('/usr/lib/*/webkit2gtk-4.*/MiniBrowser').at(-1)
  const screen = findOnPath('Xvfb')
  return driver && browser && screen
    ? () => withClosing(closing => launch(closing, { driver, browser, screen }))
    : null
}

async function launch(closing: AsyncDisposableStack, programs: Programs) {
  const home = await makeHome(closing)
  const screen = ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp']
  const [, number = ''] = await startProgram(closing, programs.screen, screen)(/^(\d+)$/m)
  const port = await anyFreePort('127.0.0.1')
  startProgram(closing, programs.driver, [`--port=${port}`, '--host=127.0.0.1'], {
    ...{ DISPLAY: `:${number}`, HOME: home, XDG_RUNTIME_DIR: home, GDK_BACKEND: 'x11' },
    // Neither a GPU, nor a bus for what helps the disabled, nor a device for sound: it would wait for each.
    ...{ LIBGL_ALWAYS_SOFTWARE: '1', NO_AT_BRIDGE: '1', GST_PLUGIN_FEATURE_RANK: 'fakeaudiosink:MAX' },
  })
  const base = `http://127.0.0.1:${port}/session`
  const ask = async <Value>(to: string, body?: object): Promise<Value> => {
    const response = await fetch(base + to, {
      method: body ? 'POST' : 'DELETE',
      body: body && JSON.stringify(body),
    })
    const { value } = (await response.json()) as { value: Value & { error?: string; message?: string } }
    if (!response.ok) throw new Error(`${to}: ${value?.error}: ${value?.message}`)
    return value
  }
  const browserOptions = { binary: programs.browser, args: ['--automation'] }
  const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': browserOptions } }
  const { sessionId } = await untilAnswered(() => ask<{ sessionId: string }>('', { capabilities }))
  closing.defer(() => ask<void>(`/${sessionId}`))
  await ask(`/${sessionId}/window/rect`, { x: 0, y: 0, ...SCREEN })
  return {
    open: (url: string) => ask<void>(`/${sessionId}/url`, { url }),
    async evaluate(expression: string) {
      const script = `return JSON.stringify(${expression})`
      return JSON.parse(await ask<string>(`/${sessionId}/execute/sync`, { script, args: [] }))
    },
    press: (key: string) => ask<void>(`/${sessionId}/actions`, { actions: keyPress(key) }),
    click: (x: number, y: number) => ask<void>(`/${sessionId}/actions`, { actions: clickAt(x, y) }),
  }
}

/** As soon as somebody listens. */
async function untilAnswered<Value>(ask: () => Promise<Value>): Promise<Value> {
  const deadline = performance.now() + UP_WITHIN_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const isThere = !(error instanceof TypeError) // fetch's for nobody there
      if (isThere || performance.now() > deadline) throw error
      await delay(50)
    }
  }
}
