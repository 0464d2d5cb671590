import { describe, expect, test } from 'vitest'
import { calmer, describeMissing, describeTimeLeft, hasLostSound, lengthClock } from './words.ts'

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

test.each([
  [0.4, '0:01'],
  [1.9, '0:01'],
  [75, '1:15'],
])('a video of %s s is %s long', (seconds, words) => {
  expect(lengthClock(seconds)).toBe(words)
})

describe('of what could not be made', () => {
  const rung = (height: number | null, state: 'ready' | 'failed') => ({
    ...{ kind: 'video' as const, width: height && height * 2, height, fps: 30, codecs: null },
    ...{ bandwidth: null, bytes: 0, state, errorCode: state === 'failed' ? 'ffmpeg_killed' : null },
  })
  const sound = { ...rung(null, 'failed'), kind: 'audio' as const }
  const undecodable = { ...sound, errorCode: 'sound_undecodable' }

  test('sound that is lost for good is told apart: no other try is offered for it', () => {
    expect(hasLostSound({ renditions: [rung(720, 'ready'), undecodable] })).toBe(true)
    expect(hasLostSound({ renditions: [rung(720, 'ready'), sound] })).toBe(false)
    expect(describeMissing({ renditions: [rung(720, 'ready'), undecodable] })).toBeNull()
  })

  test.each([
    ['nothing is said where all is there', [rung(720, 'ready')], null],
    ['heights are named', [rung(1080, 'failed'), rung(720, 'failed')], /^1080p and 720p could not be made/],
    ['the ladder is the other qualities', [rung(480, 'ready'), rung(null, 'failed')], /^The other qualities/],
    ['silence is explained', [rung(480, 'ready'), sound], /^The sound could not be made/],
    ['of two sounds one is enough', [sound, { ...sound, state: 'ready' as const }], /plays with the other/],
  ])('%s', (_, renditions, words) => {
    const described = describeMissing({ renditions })
    if (words) expect(described).toMatch(words)
    else expect(described).toBeNull()
  })
})
