import { describe, expect, test } from 'vitest'
import { storyboardVtt } from '#media/webvtt.ts'
import { parseStoryboard, tileAt } from './storyboard.ts'

const address = 'https://media.example/videos/v/t/storyboard.vtt'
const tiles = [0, 2, 4].map((startSeconds, index) => ({
  ...{ startSeconds, endSeconds: startSeconds + 2, x: index * 160, y: 0, width: 160, height: 90 },
}))
const sprite = 'https://media.example/videos/v/t/storyboard.jpg'

describe('a storyboard', () => {
  test('is read as it is written', () => {
    expect(parseStoryboard(storyboardVtt('storyboard.jpg', tiles), address)).toEqual(
      tiles.map(tile => ({ ...tile, url: sprite })),
    )
  })

  test('may have short times, other line ends and settings', () => {
    const text = 'WEBVTT\r\n\r\n01:02.500 --> 01:04.000 align:start\r\ns.jpg#xywh=pixel:0,90,160,90\r\n'
    expect(parseStoryboard(text, address)).toMatchObject([{ startSeconds: 62.5, endSeconds: 64, y: 90 }])
  })

  test.each([
    [0, 0],
    [1.99, 0],
    [2, 160],
    [5.5, 320],
    [900, 320],
  ])('shows at %s s the tile that begins at %s pixels', (seconds, x) => {
    expect(tileAt(parseStoryboard(storyboardVtt('storyboard.jpg', tiles), address), seconds)?.x).toBe(x)
  })

  test('without a cue that can be read, has no tile', () => {
    expect(parseStoryboard('<html>Not found</html>', address)).toEqual([])
    expect(tileAt([], 3)).toBeNull()
  })
})
