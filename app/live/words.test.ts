import { expect, test } from 'vitest'
import { calmer, describeTimeLeft } from './words.ts'

test.each<[number | null, number | null, number | null, string]>([
  [null, 40, 40, 'the first time'],
  [40, 39, 39, 'less'],
  [40, 55, 40, 'a little more is not worth a word'],
  [40, 70, 70, 'much more'],
  [40, null, null, 'not known any more'],
])('told %s, now %s: goes on with %s, %s', (told, seconds, expected) => {
  expect(calmer(told, seconds)).toBe(expected)
})

test.each([
  [3, 'a few seconds left'],
  [21, 'about 30 s left'],
  [54, 'about 50 s left'],
  [60, 'about 1 min left'],
  [130, 'about 2 min left'],
  [3 * 3600, 'about 3 h left'],
])('%s seconds are %s', (seconds, words) => {
  expect(describeTimeLeft(seconds)).toBe(words)
})
