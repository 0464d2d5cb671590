// In which order pages are shown: a table of what people have seen.
import { expect, test } from 'vitest'
import type { Video } from '#app/video.ts'
import { append, rejoin, sortBelow } from './order.ts'

const page = (ids: string, nextCursor: string | null = 'more') => ({
  items: [...ids].map(id => ({ id }) as Video),
  nextCursor,
})
const feed = (ids: string, later = '', nextCursor: string | null = 'more') => ({
  ...page(ids, nextCursor),
  later: page(later).items,
})
const read = ({ items, later }: ReturnType<typeof feed>) =>
  [items, later].map(videos => videos.map(({ id }) => id).join(''))

test('what was seen waits until nothing else is left', () => {
  const seen = new Set(['b', 'd'])
  const first = sortBelow(page('abc'), seen)
  expect(read(first)).toEqual(['ac', 'b'])
  const second = append(first, page('de'), seen)
  expect(read(second)).toEqual(['ace', 'bd'])
  expect(read(append(second, page('f', null), seen))).toEqual(['acefbd', ''])
})

test('the first video stays, seen or not, and what is loaded does not move', () => {
  const first = sortBelow(page('abc'), new Set(['a', 'b', 'c']))
  expect(read(first)).toEqual(['a', 'bc'])
  expect(read(append(feed('abc'), page('de'), new Set(['a', 'd'])))).toEqual(['abce', 'd'])
  expect(read(sortBelow(page('', null), new Set()))).toEqual(['', ''])
})

test('a video that comes twice is shown once', () => {
  expect(read(append(feed('ab', 'c'), page('bcd'), new Set()))).toEqual(['abd', 'c'])
})

test('who comes back finds what they had, with what is new above it', () => {
  expect(read(rejoin(feed('xab'), feed('abc', 'd')))).toEqual(['xabc', 'd'])
  expect(read(rejoin(feed('xyz'), feed('abc')))).toEqual(['xyz', ''])
})
