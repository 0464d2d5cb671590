// Which segments of a rung preview and storyboard are made of, as tables.
import { describe, expect, test } from 'vitest'
import { chooseRung, chooseStill, placeOf, planMoments, planStoryboard, previewSize } from './plan-extra.ts'

const wide = { width: 426, height: 240 }
const segments = (count: number, last = 2) => [...Array.from({ length: count - 1 }, () => 2), last]

describe('the rung', () => {
  const rung = (height: number) => ({ width: height * 2, height })
  test.each([
    [[1080, 720, 360, 240, 144], 240],
    [[1080, 480, 360], 360],
    [[144], 144],
    [[180, 144], 180],
  ])('of %j is %d: the least that need not be scaled up', (heights, chosen) => {
    expect(chooseRung(heights.map(rung))?.height).toBe(chosen)
  })

  test('of a portrait video is chosen by its short side', () => {
    const tall = (width: number) => ({ width, height: width * 2 })
    expect(chooseRung([tall(480), tall(240), tall(144)])?.width).toBe(240)
  })
})

describe('the preview', () => {
  test.each([
    ['of one frame', [0.04], [{ segments: [0], seconds: 3 }]],
    ['of 3 s', segments(2, 1), [{ segments: [0, 1], seconds: 3 }]],
    ['of 7.5 s: too short for three moments', segments(4, 0.9), [{ segments: [0, 1], seconds: 3 }]],
    ['of 8 s', segments(4), [0, 2, 3].map(index => ({ segments: [index], seconds: 1 }))],
    ['of 20 s', segments(10), [1, 5, 8].map(index => ({ segments: [index], seconds: 1 }))],
    ['of an hour', segments(1800), [270, 900, 1530].map(index => ({ segments: [index], seconds: 1 }))],
  ])('%s', (_, durations, moments) => {
    expect(planMoments(durations)).toEqual(moments)
  })

  test.each([
    ['a rung of its size as it is', wide, 1, wide],
    ['a larger one down', { width: 854, height: 480 }, 1, { width: 428, height: 240 }],
    ['a portrait one by its short side', { width: 480, height: 854 }, 1, { width: 240, height: 428 }],
    ['a smaller one not up', { width: 96, height: 64 }, 1, { width: 96, height: 64 }],
    ['a ribbon by its long side', { width: 3200, height: 240 }, 1, { width: 640, height: 48 }],
    ['for the last try by two thirds', wide, 2 / 3, { width: 284, height: 160 }],
  ])('takes %s', (_, rung, scale, size) => {
    expect(previewSize(rung, scale)).toEqual(size)
  })
})

describe('the storyboard', () => {
  test.each([
    ['one frame', [0.04], 1],
    ['1 s', [1], 1],
    ['3 s', segments(2, 1), 2],
    ['200 s', segments(100), 100],
    ['201 s', segments(101, 1), 100],
    ['250 s', segments(125), 100],
    ['an hour', segments(1800), 100],
    ['an hour and a frame', segments(1801, 0.03), 100],
    ['60 s at 29.97 frames a second', Array.from({ length: 30 }, () => 2.002), 30],
  ])('of %s: its cues cover it, without gap or overlap, each in the sprite', (_, durations, count) => {
    const plan = planStoryboard(durations, wide)
    expect(plan.tiles).toHaveLength(count)
    const total = durations.reduce((sum, seconds) => sum + seconds, 0)
    expect(plan.tiles[0]?.startSeconds).toBe(0)
    expect(plan.tiles.at(-1)?.endSeconds).toBeCloseTo(total, 6)
    const places = new Set<string>()
    for (const [index, tile] of plan.tiles.entries()) {
      expect(tile.endSeconds).toBeGreaterThan(tile.startSeconds)
      expect(tile.startSeconds).toBe(plan.tiles[index - 1]?.endSeconds ?? 0)
      expect(tile.x + tile.width).toBeLessThanOrEqual(plan.columns * plan.tile.width)
      expect(tile.y + tile.height).toBeLessThanOrEqual(plan.rows * plan.tile.height)
      places.add(`${tile.x},${tile.y}`)
    }
    expect(places.size).toBe(count)
  })

  test('shows in each cue the picture that its first segment begins with', () => {
    const durations = segments(125)
    const { tiles, segments: shown } = planStoryboard(durations, wide)
    expect(tiles.map(tile => tile.startSeconds)).toEqual(shown.map(index => index * 2))
    // 2.5 s apart on average, 2 or 4 s each: where the segments begin.
    expect(shown.slice(0, 6)).toEqual([0, 2, 3, 4, 5, 7])
  })

  test.each([
    [
      { width: 426, height: 240 },
      { width: 160, height: 90 },
    ],
    [
      { width: 240, height: 426 },
      { width: 90, height: 160 },
    ],
    [
      { width: 240, height: 240 },
      { width: 90, height: 90 },
    ],
    [
      { width: 64, height: 48 },
      { width: 64, height: 48 },
    ],
    [
      { width: 2400, height: 240 },
      { width: 160, height: 16 },
    ],
    [
      { width: 240, height: 2400 },
      { width: 16, height: 160 },
    ],
    [
      { width: 3840, height: 16 },
      { width: 160, height: 2 },
    ],
  ])('of %j has tiles of %j', (rung, tile) => {
    expect(planStoryboard([2], rung).tile).toEqual(tile)
  })

  test('never has more than 1600 by 1600 pixels', () => {
    for (const rung of [wide, { width: 240, height: 426 }, { width: 240, height: 240 }]) {
      const { columns, rows, tile } = planStoryboard(segments(1800), rung)
      expect(columns * tile.width).toBeLessThanOrEqual(1600)
      expect(rows * tile.height).toBeLessThanOrEqual(1600)
    }
  })
})

test.each([
  ['the beginning', 0, 'a', 0],
  ['a moment', 3.5, 'b', 1.5],
  ['where one ends and the next begins', 4, 'c', 0],
  ['the end, after the last picture', 5, 'c', 0.9],
  ['long after', 86_400, 'c', 0.9],
])('%s is found in its segment', (_, atSeconds, uri, offset) => {
  const segments = [
    { uri: 'a', durationSeconds: 2 },
    { uri: 'b', durationSeconds: 2 },
    { uri: 'c', durationSeconds: 1 },
  ]
  const place = placeOf(segments, atSeconds, 0.1)
  expect(place).toEqual({ uri, offsetSeconds: expect.closeTo(offset) })
})

test('a poster is made of the tallest rung that a phone shows whole', () => {
  const rung = (width: number, height: number) => ({ kind: 'video', width, height })
  const sound = { kind: 'audio', width: null, height: null }
  expect(chooseStill([sound, rung(240, 426), rung(1080, 1920), rung(720, 1280)])).toEqual(rung(720, 1280))
  expect(chooseStill([sound, rung(1920, 1080)])).toEqual(rung(1920, 1080))
  expect(chooseStill([sound])).toBeUndefined()
})
