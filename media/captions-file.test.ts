import { expect, test } from 'vitest'
import { readCaptionsFile } from './captions-file.ts'

const read = (text: string) => readCaptionsFile(new TextEncoder().encode(text))
const written = (...cues: string[]) => ({ vtt: ['WEBVTT\n', ...cues.map(cue => `${cue}\n`)].join('\n') })
const cue = '00:00:01.000 --> 00:00:02.500'

test.each([
  ['SubRip', '1\n00:00:01,000 --> 00:00:02,500\nHello\n', 'Hello'],
  ['SubRip as people write it', '1\r\n0:0:1.0 --> 0:0:2.5  X1:10\r\n<i>He</i>{\\an8}llo\r\n', 'Hello'],
  ['WebVTT', '\ufeffWEBVTT - a title\n\nid\n00:01.000 --> 00:02.500 line:0 align:left\nHello\n', 'Hello'],
  [
    'WebVTT with notes, styles and regions, which say nothing',
    `WEBVTT\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnot this\n\nREGION\nid:a\n\n${cue}\n<v Anna>Hello</v>\n\nNOTE end`,
    'Hello',
  ],
  [
    'tags, times and characters by name',
    `WEBVTT\n\n${cue}\n<c.red>a</c><00:00:01.500>&lt;b&gt; &amp;`,
    'a&lt;b&gt; &amp;',
  ],
])('%s is read', (_, text, expected) => {
  expect(read(text)).toEqual(written(`${cue}\n${expected}`))
})

test.each([
  ['a script', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['a picture', '<img src=x onerror=alert(1)>', '&lt;img src=x onerror=alert(1)&gt;'],
  ['a tag that is put together by taking one away', '<scr<i>ipt>', '&lt;script&gt;'],
  ['a character by number', '&#60;b&#62;', '&amp;#60;b&amp;#62;'],
])('%s is shown as text, in either kind of file', (_, line, expected) => {
  expect(read(`1\n${cue.replaceAll('.', ',')}\n${line}\n`)).toEqual(written(`${cue}\n${expected}`))
  expect(read(`WEBVTT\n\n${cue}\n${line}\n`)).toEqual(written(`${cue}\n${expected}`))
})

test.each([
  ['nothing', '', /no captions/],
  ['a letter', 'Dear diary', /no captions/],
  ['times that run back', 'WEBVTT\n\n00:02.000 --> 00:01.000\nHello', /no captions/],
  ['more than anybody says', `WEBVTT\n\n${`${cue}\na\n\n`.repeat(20_001)}`, /more than 20000/],
])('%s is refused in words', (_, text, refusal) => {
  expect(read(text)).toEqual({ refusal: expect.stringMatching(refusal) })
})

test('bytes that are no UTF-8 are refused: nobody can tell what they say', () => {
  expect(readCaptionsFile(Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nh\xe9las', 'latin1'))).toEqual({
    refusal: expect.stringMatching(/UTF-8/),
  })
})
