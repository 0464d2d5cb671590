// How far a player loads ahead, by the network.
import { expect, test } from 'vitest'
import { secondsAhead } from './buffering.ts'

test.each([
  ['a quick network', 100e6, 2e6, 2, 1.04],
  ['one that is three times as quick as the rung', 6e6, 2e6, 2, 1.667],
  ['one that is hardly enough', 2e6, 2e6, 4, 5],
  ['one that is not measured yet', 0, 2e6, 2, 30],
])('%s', (_, bandwidth, bitrate, segmentSeconds, seconds) => {
  expect(secondsAhead({ bandwidth, bitrate, segmentSeconds })).toBeCloseTo(seconds)
})
