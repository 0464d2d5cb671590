import { describe, expect, test } from 'vitest'
import { VideoError } from '../errors.ts'
import { BT709 } from './colour.ts'
import type { Facts } from './facts.ts'
import { beyond, encodingOf, isLow, planLadder, tooLong, worthPublishing } from './plan.ts'

const limits = { ladder: [1080, 720, 480, 360, 240], maxDurationSeconds: 3600 }

function facts(width: number, height: number, more: Partial<Facts> = {}, num = 30): Facts {
  const frameRate = { num, den: 1 }
  const picture = { index: 0, codec: 'h264', rotation: 0, pixelFormat: 'yuv420p', colour: BT709 }
  const video = { ...picture, width, height, frameRate }
  return { format: 'mov', durationSeconds: 10, video, audio: null, ...more }
}

function sizes(width: number, height: number, ladder = limits.ladder): string[] {
  const { rungs } = planLadder(facts(width, height), { ...limits, ladder })
  return rungs.filter(rung => !isLow(rung)).map(rung => `${rung.width}x${rung.height}`)
}

describe('the rungs', () => {
  test.each([
    ['landscape', 1920, 1080, ['1920x1080', '1280x720', '854x480', '640x360', '426x240']],
    ['portrait', 1080, 1920, ['1080x1920', '720x1280', '480x854', '360x640', '240x426']],
    ['square', 720, 720, ['720x720', '480x480', '360x360', '240x240']],
    ['4K', 3840, 2160, ['1920x1080', '1280x720', '854x480', '640x360', '426x240']],
    ['ultra wide', 2560, 1080, ['2560x1080', '1706x720', '1138x480', '854x360', '568x240']],
    ['clearly between two heights', 960, 600, ['960x600', '768x480', '576x360', '384x240']],
    ['hardly above a height', 864, 486, ['854x480', '640x360', '426x240']],
    ['below the ladder', 160, 120, ['160x120']],
    ['odd', 161, 121, ['162x122']],
    ['odd on the long side', 853, 480, ['854x480', '640x360', '426x240']],
    ['odd portrait', 121, 161, ['122x162']],
    ['a pixel below a height', 639, 359, ['640x360', '428x240']],
    ['odd, in a rung', 1279, 721, ['1278x720', '852x480', '638x360', '426x240']],
    ['one pixel', 1, 1, ['2x2']],
    ['a thread', 1920, 4, ['1920x4']],
    ['a thread of a pixel', 1, 999, ['2x1000']],
  ])('of %s (%d×%d)', (_, width, height, expected) => {
    expect(sizes(width, height)).toEqual(expected)
  })

  test.each([[[480]], [[720, 240]]])('keep to the heights %j of the operator', ladder => {
    expect(sizes(1920, 1080, ladder).map(size => Number(size.split('x')[1]))).toEqual(ladder)
  })

  test('are even, named apart, tallest first and at most one pixel above the source, whatever its size', () => {
    for (let width = 2; width < 2000; width += 37) {
      for (let height = 3; height < 2000; height += 61) {
        const { rungs } = planLadder(facts(width, height), limits)
        expect(new Set(rungs.map(rung => rung.name)).size).toBe(rungs.length)
        expect(rungs.length).toBeGreaterThan(0)
        for (const [index, rung] of rungs.entries()) {
          const label = `${width}x${height} → ${rung.width}x${rung.height}`
          expect(rung.width % 2 || rung.height % 2, label).toBe(0)
          expect(rung.width <= width + 1 && rung.height <= height + 1, label).toBe(true)
          expect(isLow(rung), label).toBe(index === rungs.length - 1)
          if (!isLow(rung)) expect(rung.maxBps, label).toBeGreaterThanOrEqual(100_000)
          const above = rungs[index - 1]
          if (above && !isLow(rung))
            expect(above.width * above.height, label).toBeGreaterThan(rung.width * rung.height)
        }
      }
    }
  })

  test('get more bits for more pixels and for fast motion', () => {
    const slow = planLadder(facts(1920, 1080), limits).rungs.map(rung => rung.maxBps)
    expect(slow).toEqual(slow.toSorted((a, b) => b - a))
    const fast = planLadder(facts(1920, 1080, {}, 60), limits).rungs.map(rung => rung.maxBps)
    expect(fast.slice(0, -1)).toEqual(slow.slice(0, -1).map(bps => bps * 1.5))
    expect(fast.at(-1)).toBe(slow.at(-1))
  })

  test.each([
    [1920, 1080, limits.ladder, '320x180'],
    [1080, 1920, limits.ladder, '180x320'],
    [320, 240, [240, 144], '192x144'],
    [160, 120, limits.ladder, '160x120'],
    [1920, 1080, [1080], '320x180'],
  ])(
    'of %d×%d end with one for networks of 192 kbit/s, with a sound of its own',
    (width, height, ladder, size) => {
      const source = facts(width, height, { audio: { index: 1, codec: 'aac', channels: 2 } })
      const plan = planLadder(source, { ...limits, ladder })
      const low = plan.rungs.at(-1)
      expect(low && isLow(low)).toBe(true)
      expect(`${low?.width}x${low?.height}`).toBe(size)
      const [sound, lowSound] = plan.sounds
      expect(sound).toEqual({ name: 'audio', bps: 128_000 })
      expect((low?.maxBps ?? 0) + (lowSound?.bps ?? 0)).toBeLessThanOrEqual(150_000)
      expect(planLadder(facts(width, height), { ...limits, ladder }).sounds).toEqual([])
    },
  )
})

test.each([
  ['8K', 7680, 4320, true],
  ['a little more', 8192, 4400, false],
  ['a wide thread, which no encoder takes', 17_280, 1080, false],
])('of %s (%d×%d) there are rungs: %s', (_, width, height, isPlanned) => {
  const plan = () => planLadder(facts(width, height), limits).rungs.length > 0
  if (isPlanned) expect(plan()).toBe(true)
  else expect(plan).toThrow(expect.objectContaining({ code: 'too_many_pixels' }))
})

describe('a rung is published', () => {
  const { rungs } = planLadder(facts(1920, 1080), limits)
  const published = (...kbps: number[]) =>
    worthPublishing(
      kbps.map((rate, index) => ({ name: rungs[index]?.name ?? '', averageBps: rate * 1000 })),
      { rungs },
    ).map(({ name }) => name)

  test.each([
    [
      'when each needs less than the one above',
      [4000, 2000, 1000, 500, 250, 80],
      'v1080 v720 v480 v360 v240 low',
    ],
    ['not when it needs 95 % of the one above', [4000, 3800, 1000, 500, 250, 80], 'v1080 v480 v360 v240 low'],
    [
      'when it needs a little less than that',
      [4000, 3799, 1000, 500, 250, 80],
      'v1080 v720 v480 v360 v240 low',
    ],
    ['not when it needs more', [4000, 4100, 1000, 500, 250, 80], 'v1080 v480 v360 v240 low'],
    ['beside the next one that is published', [4000, 3900, 3750, 3700, 250, 80], 'v1080 v480 v240 low'],
    [
      'always when it is the tallest, the one to start with, or the low one',
      [50, 50, 50, 50, 50, 50],
      'v1080 v480 low',
    ],
  ])('%s', (_, kbps, expected) => {
    expect(published(...kbps).join(' ')).toBe(expected)
  })
})

test('smaller pictures get slower presets', () => {
  const { rungs } = planLadder(facts(1920, 1080), limits)
  const presets = rungs.map(rung => encodingOf(rung).preset)
  expect(presets).toEqual(['veryfast', 'veryfast', 'veryfast', 'faster', 'faster', 'medium'])
})

describe('the MP4', () => {
  test.each([
    [1920, 1080, 'v720'],
    [1080, 1920, 'v720'],
    [854, 480, 'v480'],
    [160, 120, 'v120'],
  ])('of %d×%d is the tallest rung of at most 720 lines: %s', (width, height, expected) => {
    expect(planLadder(facts(width, height), limits).mp4Rung).toBe(expected)
  })

  test('is the least rung where all are above 720 lines', () => {
    expect(planLadder(facts(3840, 2160), { ...limits, ladder: [2160, 1080] }).mp4Rung).toBe('v1080')
  })
})

describe('the duration', () => {
  test('above the limit is refused, in words with both lengths', () => {
    const plan = () => planLadder(facts(320, 240, { durationSeconds: 3661 }), limits)
    expect(plan).toThrow(VideoError)
    expect(plan).toThrow(/61:01.*60:00/)
    expect(plan).toThrow(expect.objectContaining({ code: 'too_long' }))
    expect(tooLong(null, 120).message).toMatch(/^The video lasts more than 2:00; at most 2:00 is allowed\. /)
  })

  test.each([3600, null])('of %s is taken, and measured when it is made', durationSeconds => {
    const plan = planLadder(facts(320, 240, { durationSeconds }), limits)
    expect(plan).toMatchObject({ durationSeconds, maxDurationSeconds: 3600 })
  })
})

describe('what a source may have', () => {
  test('240 pictures for each second that is allowed, and not one more', () => {
    const plan = (frames: number) =>
      planLadder(facts(320, 240, { frames }), { ...limits, maxDurationSeconds: 10 })
    expect(plan(2400).durationSeconds).toBe(10)
    expect(() => plan(2401)).toThrow(expect.objectContaining({ code: 'too_many_frames' }))
    expect(() => plan(2401)).toThrow(/2401 pictures; at most 2400 are allowed/)
  })

  test('no more seconds than its bytes allow, and that is said then', () => {
    const plan = planLadder(facts(320, 240, { durationSeconds: null, mostSeconds: 16 }), limits)
    expect(plan.maxDurationSeconds).toBe(16)
    expect(beyond(plan)).toMatchObject({
      code: 'too_few_bytes',
      message: expect.stringContaining('beyond 0:16'),
    })
    expect(beyond(planLadder(facts(320, 240, { mostSeconds: 9000 }), limits))).toMatchObject({
      code: 'too_long',
    })
  })
})

test('the streams are the ones that the probe chose', () => {
  const audio = { index: 3, codec: 'aac', channels: 2 }
  const source = facts(320, 240, { audio })
  source.video.index = 2
  expect(planLadder(source, limits)).toMatchObject({ videoIndex: 2, audioIndex: 3 })
  expect(planLadder(facts(320, 240), limits)).toMatchObject({ videoIndex: 0, audioIndex: null })
})
