// A short run of the harness, so that it and what it looks at stay whole; the long one is `pnpm bench chaos`.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'playwright/test'

test('half a minute of chaos loses, doubles and leaves behind nothing', () => {
  test.setTimeout(300_000)
  const bench = path.resolve(import.meta.dirname, '../bench/main.ts')
  const args = [bench, 'chaos', '--minutes', '0.5', '--seed', '7']
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 280_000 })
  expect(stdout).toContain('"figure":"lost, stuck, doubled, left over","value":0,')
  expect(status, stdout).toBe(0)
})
