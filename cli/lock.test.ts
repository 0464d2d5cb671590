import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeLock } from './lock.ts'

const dead = JSON.stringify({ pid: spawnSync('true').pid, startedAt: '1', url: null })

function makeDataDir(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'pgreel-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a second launcher is told where the first one is', async () => {
  const dataDir = makeDataDir()
  const lock = await takeLock(dataDir)
  expect(lock.wasAbandoned).toBe(false)
  await lock.tell('http://127.0.0.1:3000')
  await expect(takeLock(dataDir)).rejects.toThrow(
    `pgreel already runs on ${dataDir} (process ${process.pid}, http://127.0.0.1:3000)`,
  )
  await lock.release()
  expect(readdirSync(dataDir)).toEqual([])
  expect((await takeLock(dataDir)).wasAbandoned).toBe(false)
})

test.each([
  ['nobody', []],
  ['a launcher that was killed', ['lock']],
  [
    'one that was killed while it replaced one that was killed',
    ['lock', `lock-after-${JSON.parse(dead).pid}-1`],
  ],
])('of many at once after %s, one gets it', async (_, left) => {
  for (let round = 0; round < 40; round += 1) {
    const dataDir = makeDataDir()
    for (const name of left) symlinkSync(dead, path.join(dataDir, name))
    const taken = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(dataDir)))
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(readdirSync(dataDir)).toEqual(['lock'])
  }
})
