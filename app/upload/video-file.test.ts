import { expect, test } from 'vitest'
import { isVideo } from './video-file.ts'

const CASES: [filename: string, filetype: string, isVideo: boolean][] = [
  ['a.mp4', 'video/mp4', true],
  ['A.MOV', 'video/quicktime', true],
  ['a.mkv', '', true],
  ['a.ts', 'application/octet-stream', true],
  ['a.webm', 'video/webm;codecs=vp9', true],
  ['moving.gif', 'image/gif', true],
  ['no extension', 'video/mp4', true],
  ['', 'video/mp4', true],
  ['', '', true],
  ['no extension', '', false],
  ['a.txt', 'text/plain', false],
  ['a.mp4', 'text/html', false],
  ['a.exe', 'video/mp4', false],
  ['a.mp3', 'audio/mpeg', false],
  ['a.png', 'image/png', false],
  ['a.svg', '', false],
  ['a.mp4.html', 'video/mp4', false],
]

test.each(CASES)('%j of type %j is let in: %j', (filename, filetype, expected) => {
  expect(isVideo(filename, filetype)).toBe(expected)
})
