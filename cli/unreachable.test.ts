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
