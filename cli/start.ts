// `pnpm start`: the web process, from a production build that is there.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { loadConfig, requireDatabaseUrl } from '#config'
import { requireConnection } from '#db/client.ts'
import { toldToStop } from '#process/told-to-stop.ts'
import { startChild } from './processes.ts'
import { nextCommand, root } from './project.ts'
import { fail, Sentence } from './say.ts'

try {
  const config = loadConfig(root)
  await requireConnection(requireDatabaseUrl(config))
  if (!existsSync(path.join(root, '.next/BUILD_ID'))) {
    throw new Sentence('There is no production build: run `pnpm build` first.')
  }
  const { signal } = toldToStop()
  const [node, args] = nextCommand('start', config.host, config.port)
  const web = startChild('web', node, args, { cwd: root, env: { NODE_ENV: 'production' }, show: 'raw' })
  signal.addEventListener('abort', () => void web.stop(), { once: true })
  const { status } = await web.ended
  process.exitCode = signal.aborted ? 0 : (status ?? 1)
} catch (error) {
  fail(error)
}
