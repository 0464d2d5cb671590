// The project's own folder and how its two processes are started.
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

/** The clone: every relative path in the settings is taken from here. */
export const root = path.resolve(import.meta.dirname, '..')

type Command = [file: string, args: string[]]

/** Next.js's own command line, under the Node that runs us. */
export function nextCommand(command: 'dev' | 'start', host: string, port: number): Command {
  const [node, args] = next(command, '--hostname', host, '--port', String(port))
  if (command === 'dev') return [node, args]
  // What Next.js prints goes to the log, like everything else.
  return [node, ['--import', pathToFileURL(path.join(root, 'app/console.ts')).href, ...args]]
}

export function next(...args: string[]): Command {
  const file = createRequire(path.join(root, 'package.json')).resolve('next/dist/bin/next')
  return [process.execPath, [file, ...args]]
}

export function workerCommand(options: { watch: boolean }): Command {
  const flags = options.watch ? ['--watch', '--watch-preserve-output'] : []
  return [process.execPath, [...flags, path.join(root, 'worker/main.ts')]]
}
