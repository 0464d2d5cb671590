import { describe, expect, test } from 'vitest'
import { describeSpan, stepsOf } from './steps.ts'

describe('steps', () => {
  /** `claimed ladder` is the milestone `claimed` of that work. */
  const past = (...stages: string[]) =>
    stepsOf(
      stages.map((text, second) => {
        const [stage = '', work = null] = text.split(' ')
        return { stage, work, at: new Date(second * 1000).toISOString() }
      }),
    )

  test('tell the two times that work begins apart, and received and queued as one', () => {
    const steps = past(
      ...['received', 'queued', 'claimed first', 'probed', 'playable', 'claimed ladder', 'encoded'],
    )
    expect(steps.map(({ label }) => label)).toEqual([
      ...['Received', 'Picked up', 'Looked at', 'Playable', 'Full quality begun', 'Encoded'],
    ])
    expect(steps.map(({ afterSeconds }) => afterSeconds)).toEqual([0, 2, 3, 4, 5, 6])
    expect(steps.filter(({ isMain }) => isMain).map(({ label }) => label)).toEqual(['Playable'])
  })

  test('tell the full quality from a first rung that is begun again', () => {
    const again = past('playable', 'claimed first', 'claimed ladder', 'cancelled', 'queued', 'claimed first')
    expect(again.map(({ label }) => label)).toEqual([
      ...['Playable', 'Picked up', 'Full quality begun', 'Cancelled', 'Queued again', 'Picked up'],
    ])
  })

  test('say that a video waits once more, and nothing of what is not known here', () => {
    expect(past('received', 'queued', 'claimed first', 'queued', 'dreamt').map(({ label }) => label)).toEqual(
      [...['Received', 'Picked up', 'Queued again']],
    )
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
