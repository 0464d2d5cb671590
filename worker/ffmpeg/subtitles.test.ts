import { expect, test } from 'vitest'
import { captionTracks } from './subtitles.ts'

const text = (index: number, tags: { language?: string; title?: string } = {}) => ({
  ...{ index, codec_type: 'subtitle', codec_name: 'subrip', tags },
})

test.each([
  ['three letters', 'eng', 'en', 'English'],
  ['three letters of the other kind', 'ger', 'de', 'German'],
  ['a region', 'pt-br', 'pt-BR', 'Brazilian Portuguese'],
  ['an underscore', 'en_US', 'en-US', 'American English'],
  ['more than a language', 'en-u-ca-buddhist', 'en', 'English'],
  ['partly our own business', 'de-x-foo', 'de', 'German'],
  ['our own business alone', 'x-foo', null, 'Captions'],
  ['not known', 'und', null, 'Captions'],
  ['nonsense', '<b>"', null, 'Captions'],
  ['nothing', undefined, null, 'Captions'],
])('a language that is %s', (_, tag, language, label) => {
  const tags = tag === undefined ? {} : { language: tag }
  expect(captionTracks([text(3, tags)])).toEqual([{ index: 3, language, label }])
})

test('names are cleaned, short, never empty and never alike', () => {
  const titles = ['\u202ea\u0000b\n c', 'x'.repeat(10_000), ' \u200b ', 'ab', 'a b c']
  const labels = captionTracks(titles.map((title, index) => text(index, { title }))).map(({ label }) => label)
  expect(labels).toEqual(['a b c', 'x'.repeat(60), 'Captions', 'ab', 'a b c 2'])
})

test('only text becomes captions, and of a thousand tracks the first 32', () => {
  const others = [
    { ...text(0), codec_name: 'hdmv_pgs_subtitle' },
    { ...text(1), codec_name: 'dvd_subtitle' },
    { ...text(2), codec_type: 'data' },
  ]
  const many = Array.from({ length: 1000 }, (_, index) => text(index + 3))
  expect(captionTracks([...others, ...many]).map(({ index }) => index)).toEqual(
    many.slice(0, 32).map(({ index }) => index),
  )
})
