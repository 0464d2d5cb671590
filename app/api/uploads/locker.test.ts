import { setImmediate as soon } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { LineLocker } from './locker.ts'

const never = new AbortController().signal
const quiet = () => {}

test('one works, the others wait in line, and the one that works is asked to end', async () => {
  const locker = new LineLocker()
  const order: number[] = []
  const asked = vi.fn()
  const first = locker.newLock('a')
  await first.lock(never, asked)
  const others = [1, 2, 3].map(async number => {
    const lock = locker.newLock('a')
    await lock.lock(never, quiet)
    order.push(number)
    await lock.unlock()
  })
  await locker.newLock('b').lock(never, quiet)
  await soon()
  expect(order).toEqual([])
  expect(asked).toHaveBeenCalled()
  await first.unlock()
  await Promise.all(others)
  expect(order).toEqual([1, 2, 3])
  await locker.newLock('a').lock(never, quiet)
})

test('who waits costs nothing', async () => {
  const locker = new LineLocker()
  await locker.newLock('a').lock(never, quiet)
  const line = Array.from({ length: 8 }, () => locker.newLock('a').lock(never, quiet))
  const turns = vi.spyOn(globalThis, 'setImmediate')
  for (const each of line) each.catch(quiet)
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setTimeout(resolve))
  expect(turns).not.toHaveBeenCalled()
  turns.mockRestore()
})

test('a line is not endless, nor is waiting: 423', async () => {
  vi.useFakeTimers()
  try {
    const locker = new LineLocker()
    const holder = locker.newLock('a')
    await holder.lock(never, quiet)
    const line = Array.from({ length: 9 }, () => locker.newLock('a').lock(never, quiet))
    const ends = Promise.allSettled(line)
    await expect(line[8]).rejects.toMatchObject({ status_code: 423 })
    await vi.advanceTimersByTimeAsync(30_000)
    for (const end of await ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { status_code: 423 } })
    }
    // Nobody of them comes back.
    await holder.unlock()
    await locker.newLock('a').lock(never, quiet)
  } finally {
    vi.useRealTimers()
  }
})

test('who has gone is not waited for, and has no turn', async () => {
  const locker = new LineLocker()
  const holder = locker.newLock('a')
  await holder.lock(never, quiet)
  const leaving = new AbortController()
  const gone = locker.newLock('a').lock(leaving.signal, quiet)
  const staying = locker.newLock('a').lock(never, quiet)
  leaving.abort()
  await expect(gone).rejects.toMatchObject({ status_code: 423 })
  await holder.unlock()
  await staying
})
