import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { availableMemory } from './memory.ts'

const MIB = 1024 ** 2
const root = mkdtempSync(path.join(tmpdir(), 'pgreel-cgroup-'))
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(root, { recursive: true, force: true })
})

test('what a limited control group has read from files is no memory that is missing', () => {
  const [, group = '/'] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
  mkdirSync(path.join(root, group), { recursive: true })
  writeFileSync(path.join(root, group, 'memory.stat'), `anon 5\ninactive_file ${300 * MIB}\nactive_file 7\n`)
  vi.spyOn(process, 'availableMemory').mockReturnValue(20 * MIB)
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(512 * MIB)
  expect(availableMemory(root)).toBe(320 * MIB)
})

test('without a limit, or without a count of files, it is what Node says', () => {
  vi.spyOn(process, 'availableMemory').mockReturnValue(20 * MIB)
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(2 ** 60)
  expect(availableMemory(root)).toBe(20 * MIB)
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(512 * MIB)
  expect(availableMemory(path.join(root, 'nowhere'))).toBe(20 * MIB)
})
