import { describe, expect, test } from 'vitest'
import { describeSpan, stepsOf } from './steps.ts'

describe('steps', () => {
  const past = (...stages: string[]) =>
    stepsOf(stages.map((stage, second) => ({ stage, at: new Date(second * 1000).toISOString() })))

  test('tell the two times that work begins apart, and received and queued as one', () => {
    const steps = past('received', 'queued', 'claimed', 'probed', 'playable', 'claimed', 'encoded')
    expect(steps.map(({ label }) => label)).toEqual([
      ...['Received', 'Picked up', 'Looked at', 'Playable', 'Full quality begun', 'Encoded'],
    ])
    expect(steps.map(({ afterSeconds }) => afterSeconds)).toEqual([0, 2, 3, 4, 5, 6])
    expect(steps.filter(({ isMain }) => isMain).map(({ label }) => label)).toEqual(['Playable'])
  })

  test('say that a video waits once more, and nothing of what is not known here', () => {
    expect(past('received', 'queued', 'claimed', 'queued', 'dreamt').map(({ label }) => label)).toEqual([
      ...['Received', 'Picked up', 'Queued again'],
    ])
    expect(past()).toEqual([])
  })
})

test.each([
  [0, '0.0 s'],
  [0.62, '0.6 s'],
  [9.97, '10 s'],
  [59.6, '1 min 0 s'],
  [75, '1 min 15 s'],
  [3700, '1 h 1 min'],
])('a span of %s is %s', (seconds, words) => {
  expect(describeSpan(seconds)).toBe(words)
})
