import { afterEach, expect, test, vi } from 'vitest'
import { fail, Sentence } from './say.ts'

afterEach(() => {
  process.exitCode = undefined
})

const bug = new TypeError('x is not a function')
const ofDisk = (code: string, more: object) => Object.assign(new Error(`${code}: …`), { code, ...more })

test.each([
  [new Sentence('There is no storage.'), 'There is no storage.'],
  [ofDisk('ENOSPC', { path: '/from', dest: '/backups/x' }), '/backups/x: the disk is full: make room there.'],
  [ofDisk('EROFS', { path: '/cdrom' }), '/cdrom: that file system is read-only: name another place.'],
  [bug, bug],
])('an error is printed as what to do about it, or whole: %s', (error, printed) => {
  const print = vi.spyOn(console, 'error').mockReturnValue()
  fail(error)
  expect(print.mock.lastCall).toEqual([printed])
  expect(process.exitCode).toBe(1)
})
