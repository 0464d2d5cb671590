import { expect, test } from 'vitest'
import { nearest, nextGain, type Try } from './loudness.ts'

const tries = (...pairs: [gainDb: number, becomes: number][]): Try[] =>
  pairs.map(([gainDb, becomes]) => ({ gainDb, becomes }))

test.each([
  ['first all that is missing is added', tries([6, -15]), 7],
  ['then more, as half of it came', tries([6, -15], [7, -14.5]), 8],
  ['but never more than four times as much', tries([6, -15], [7, -14.99]), 7 + 0.99 * 4],
  ['what leapt over it is halved', tries([6, -15], [10, -11]), 8],
  ['between the nearest on both sides', tries([6, -15], [10, -11], [8, -14.5]), 9],
])('%s', (_, tried, expected) => {
  expect(nextGain(tried)).toBeCloseTo(expected, 6)
})

test('of all tries the nearest counts', () => {
  expect(nearest(tries([6, -15], [10, -11], [8, -14.5]))).toEqual({ gainDb: 8, becomes: -14.5 })
})
