// Firefox by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks itself: Debian has
// no geckodriver, and Node has web sockets.
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { findOnPath } from '#process/which.ts'
import { clickAt, keyPress, makeHome, type Remote, SCREEN, startProgram, withClosing } from './remote.ts'

/** @returns null where it is not installed */
export function findFirefox(): (() => Promise<Remote>) | null {
  const file = findOnPath('firefox-esr') ?? findOnPath('firefox')
  return file ? () => withClosing(closing => launch(closing, file)) : null
}

async function launch(closing: AsyncDisposableStack, file: string) {
  const profile = await makeHome(closing)
  await writeFile(path.join(profile, 'user.js'), 'user_pref("app.update.enabled", false);\n')
  const size = [`--width=${SCREEN.width}`, `--height=${SCREEN.height}`]
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', ...size]
  const said = startProgram(closing, file, args, { HOME: profile })
  const [, address = ''] = await said(/WebDriver BiDi listening on (ws:\S+)/)
  const send = await openBidi(closing, `${address}/session`)
  await send('session.new', { capabilities: {} })
  const tree = await send<{ contexts: { context: string }[] }>('browsingContext.getTree', {})
  const context = tree.contexts[0]?.context
  const act = (actions: object[]) => send<void>('input.performActions', { context, actions })
  return {
    open: (url: string) => send<void>('browsingContext.navigate', { context, url, wait: 'complete' }),
    async evaluate(expression: string) {
      const { result } = await send<{ result: { value: string } }>('script.evaluate', {
        ...{ expression: `JSON.stringify(${expression})`, target: { context }, awaitPromise: false },
      })
      return JSON.parse(result.value)
    },
    press: (key: string) => act(keyPress(key)),
    click: (x: number, y: number) => act(clickAt(x, y)),
  }
}

async function openBidi(closing: AsyncDisposableStack, url: string) {
  const socket = new WebSocket(url)
  closing.defer(() => socket.close())
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error(`${url} does not answer`))
  })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  socket.onmessage = ({ data }) => {
    const answer = JSON.parse(String(data))
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if (answer.type === 'error') asked?.reject(new Error(`${answer.error}: ${answer.message}`))
    else asked?.resolve(answer.result)
  }
  let last = 0
  return <Result>(method: string, params: object): Promise<Result> => {
    last += 1
    const id = last
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve: value => resolve(value as Result), reject })
    })
  }
}
