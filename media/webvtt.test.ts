import { expect, test } from 'vitest'
import { storyboardVtt } from './webvtt.ts'

test('a storyboard is cues that name rectangles of its sprite, in hours, minutes and milliseconds', () => {
  const tile = { y: 0, width: 160, height: 90 }
  const vtt = storyboardVtt('storyboard.jpg', [
    { ...tile, startSeconds: 0, endSeconds: 2.002, x: 0 },
    { ...tile, startSeconds: 2.002, endSeconds: 59.9996, x: 160 },
    { ...tile, startSeconds: 59.9996, endSeconds: 3661.5, x: 320 },
  ])
  expect(vtt).toBe(`WEBVTT

00:00:00.000 --> 00:00:02.002
storyboard.jpg#xywh=0,0,160,90

00:00:02.002 --> 00:01:00.000
storyboard.jpg#xywh=160,0,160,90

00:01:00.000 --> 01:01:01.500
storyboard.jpg#xywh=320,0,160,90
`)
})
