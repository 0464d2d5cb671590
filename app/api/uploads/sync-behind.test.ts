import { existsSync } from 'node:fs'
import { type FileHandle, open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { makeFolder } from '#test/worker.ts'
import { syncBehind } from './sync-behind.ts'

let file: string
beforeEach(async () => {
  file = path.join(await makeFolder(), 'upload')
  await writeFile(file, 'bytes')
})

/** What the disk does when it is asked to take bytes. */
async function onSync(answer: () => Promise<void>) {
  const handle = await open(file)
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  const spy = vi.spyOn(prototype, 'datasync').mockImplementation(answer)
  onTestFinished(() => spy.mockRestore())
  return spy
}

test('one at a time is written to the disk, and then another may be', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const spy = await onSync(() => promise)
  const first = syncBehind(file)
  await syncBehind(file)
  resolve()
  await first
  expect(spy).toHaveBeenCalledTimes(1)
  await syncBehind(file)
  expect(spy).toHaveBeenCalledTimes(2)
})

test('bytes that the disk lost take their file away: no later sync would tell', async () => {
  await onSync(() => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })))
  await syncBehind(file)
  expect(existsSync(file)).toBe(false)
})

test.each(['ENOSPC', 'EDQUOT'])('what is only refused (%s) leaves the file to be sent on', async code => {
  await onSync(() => Promise.reject(Object.assign(new Error(code), { code })))
  await syncBehind(file)
  expect(existsSync(file)).toBe(true)
})

test('an upload that was cancelled meanwhile is no error', async () => {
  await expect(syncBehind(`${file}-cancelled`)).resolves.toBeUndefined()
})
