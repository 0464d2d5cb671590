import { expect, test } from 'vitest'
import { readSrt } from './srt.ts'
import { captionsVtt } from './webvtt.ts'

const cue = (...lines: string[]) => ({ startSeconds: 1, endSeconds: 2.5, lines })

test.each([
  ['one cue', '1\n00:00:01,000 --> 00:00:02,500\nHello\n\n', [cue('Hello')]],
  [
    'lines, and lines ended as elsewhere',
    '1\r\n00:00:01,000 --> 00:00:02,500\r\na\r\nb\r\n',
    [cue('a', 'b')],
  ],
  [
    'a number that is text, and one that is not',
    '1\n00:00:01,000 --> 00:00:02,500\n42\n\n2\n01:00:00,000 --> 01:00:01,001\nb\n',
    [cue('42'), { startSeconds: 3600, endSeconds: 3601.001, lines: ['b'] }],
  ],
  ['an empty line inside', '1\n00:00:01,000 --> 00:00:02,500\na\n\nb\n', [cue('a', 'b')]],
  ['text cut off', '1\n00:00:01,000 --> 00:00:02,500\na\n\n2\n00:00:0', [cue('a', '2', '00:00:0')]],
  ['nothing', '', []],
  ['what is no SubRip', 'dear diary\n--> today', []],
])('reads %s', (_, srt, cues) => {
  expect(readSrt(srt)).toEqual(cues)
})

test('captions are times and text, in the order of their times', () => {
  const cues = [{ startSeconds: 3661.5, endSeconds: 3662, lines: ['later'] }, cue('first', 'second')]
  expect(captionsVtt(cues)).toBe(`WEBVTT

00:00:01.000 --> 00:00:02.500
first
second

01:01:01.500 --> 01:01:02.000
later
`)
})

test.each([
  ['a script', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['a style', '<c.red>STYLE</c>', '&lt;c.red&gt;STYLE&lt;/c&gt;'],
  ['an arrow of times', '00:00:00.000 --> 00:00:09.000', '00:00:00.000 --&gt; 00:00:09.000'],
  ['a character reference', '&lt;b&gt; & more', '&amp;lt;b&amp;gt; &amp; more'],
  ['control characters', 'a\u0000b\u0007c\u001b[31m', 'a b c [31m'],
  ['what turns text around', '\u202eevil\u202c \u2066fine\u2069', 'evil \u2066fine\u2069'],
  ['right-to-left text and its marks', 'שלום\u200f!', 'שלום\u200f!'],
  ['other separators of lines', 'a\u2028b\u0085c', 'a b c'],
])('%s is shown as text', (_, line, expected) => {
  expect(
    captionsVtt([cue(line)])
      ?.split('\n')
      .slice(3),
  ).toEqual([expected, ''])
})

test('giants are cut: lines, cues, and what is no line at all', () => {
  const giant = captionsVtt([cue(...Array.from({ length: 100 }, () => '🎬'.repeat(10_000)))])
  expect(giant?.split('\n').slice(3, -1)).toEqual(Array.from({ length: 8 }, () => '🎬'.repeat(200)))
  const many = captionsVtt(Array.from({ length: 30_000 }, () => cue('a')))
  expect(many?.match(/-->/g)).toHaveLength(20_000)
  expect(captionsVtt([cue(' \u0000 '), cue(), { ...cue('no time'), endSeconds: 1 }])).toBeNull()
})
