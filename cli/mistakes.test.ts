// Commands as somebody types them who has made a mistake.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder } from '#test/worker.ts'
import { anyFreePort } from './ports.ts'

const root = path.resolve(import.meta.dirname, '..')

test.each([['cli/quickstart.ts'], ['cli/migrate.ts'], ['cli/start.ts'], ['worker/main.ts']])(
  '%s without its database says one sentence',
  async script => {
    const port = await anyFreePort('127.0.0.1')
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, script)], {
      env: {
        ...process.env,
        DATABASE_URL: `postgres://somebody:secret@127.0.0.1:${port}/pgreel`,
        DATA_DIR: await makeFolder(),
      },
      encoding: 'utf8',
      timeout: 30_000,
    })
    expect(status).toBe(1)
    expect(stdout + stderr).not.toContain('secret')
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`No connection to Postgres at 127.0.0.1:${port} (connect ECONNREFUSED`)
  },
)

test('quickstart refuses a second --once instead of leaving the first file out', () => {
  const args = [path.join(root, 'cli/quickstart.ts'), '--once', 'package.json', '--once', 'README.md']
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^--once takes one file: .+\.\n$/)
})
