import { expect, test } from 'vitest'
import { cleanLine, cleanLines } from './clean-text.ts'

test.each([
  ['control characters', 'a\u0000b\u0007c\u009fd', 'a b c d'],
  ['line breaks of every kind', 'a\r\nb\u2028c\u2029d\u0085e', 'a b c d e'],
  [
    'overrides and marks of direction',
    'photo\u202egpj.exe\u2066x\u2069\u200e\u200f\u061c',
    'photo gpj.exe x',
  ],
  ['what has no width', 'pay\u200bpal\u2060\ufeff\u00ad', 'pay pal'],
  ['halves of pairs', 'a\ud800b\udc00', 'a b'],
  ['quotes and tags, which a page escapes', '"\'<b>&amp;`', '"\'<b>&amp;`'],
  ['right-to-left text as it is', 'שלום עולם', 'שלום עולם'],
  ['emoji of several', '👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
  ['joiners between letters', 'می‌خواهم', 'می‌خواهم'],
  ['letters that are drawn as nothing', '\u3164 \uffa0\u115f\u2800', ''],
  ['only what cannot be seen', '\u200d\u200d \u0301\u2003', ''],
])('%s', (_, text, line) => {
  expect(cleanLine(text)).toBe(line)
})

test('lines stay lines', () => {
  expect(cleanLines('a\r\nb\u202e\n\nc\u0000\u200b')).toBe('a\nb \n\nc')
})
