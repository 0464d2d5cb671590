import { describe, expect, test } from 'vitest'
import {
  bitrates,
  masterPlaylist,
  mediaPlaylist,
  playlistUris,
  targetDuration,
  type VideoVariant,
} from '#media/playlist.ts'

const segments = (...durations: number[]) =>
  durations.map((durationSeconds, index) => ({ uri: `${index}.m4s`, durationSeconds }))

test('a finished media playlist', () => {
  expect(mediaPlaylist({ init: 'init.mp4', segments: segments(2, 2.002, 0.5) })).toBe(
    `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4"
#EXTINF:2.000000,
0.m4s
#EXTINF:2.002000,
1.m4s
#EXTINF:0.500000,
2.m4s
#EXT-X-ENDLIST
`,
  )
})

test('a media playlist names its init segment, then the others', () => {
  const text = mediaPlaylist({ init: 'init.mp4', segments: segments(2, 2) })
  expect(playlistUris(text)).toEqual(['init.mp4', '0.m4s', '1.m4s'])
})

test('a growing one starts at its beginning and has no end', () => {
  const text = mediaPlaylist({ init: 'init.mp4', segments: segments(2), targetDuration: 4, complete: false })
  expect(text).toContain('#EXT-X-PLAYLIST-TYPE:EVENT\n')
  expect(text).toContain('#EXT-X-START:TIME-OFFSET=0\n')
  expect(text).toContain('#EXT-X-TARGETDURATION:4\n')
  expect(text).not.toContain('ENDLIST')
})

test('one that has grown only gains its end: what a player has read of it stays true', () => {
  const list = { init: 'init.mp4', segments: segments(2, 2), targetDuration: 4, hasGrown: true }
  const growing = mediaPlaylist({ ...list, complete: false })
  expect(mediaPlaylist(list)).toBe(`${growing}#EXT-X-ENDLIST\n`)
})

test.each(['/media/videos/a/b/', 'https://cdn.example:8443/some/path/', 'http://[::1]:3000/media/'])(
  'under the base %s its files are named in full',
  base => {
    const text = mediaPlaylist({ init: 'init.mp4', segments: segments(2), base })
    expect(playlistUris(text)).toEqual([`${base}init.mp4`, `${base}0.m4s`])
  },
)

test.each([
  'media/',
  '/media',
  '//cdn.example/',
  'ftp://h/',
  '/a"b/',
  '/a\nb/',
  '/a/?x/',
  'javascript:/',
  '/',
  '/a//b/',
])('the base %j is refused', base => {
  expect(() => mediaPlaylist({ init: 'init.mp4', segments: [], base })).toThrow('base')
})

test.each([
  [[2], 2],
  [[2.49], 2],
  [[2.5], 3],
  [[6.006, 1], 6],
  [[0.2], 1],
  [[], 1],
])('segments of %j s have the target duration %i', (durations, expected) => {
  expect(targetDuration(segments(...durations))).toBe(expected)
})

test('a segment longer than the target is refused', () => {
  expect(() => mediaPlaylist({ init: 'i.mp4', segments: segments(2.5), targetDuration: 2 })).toThrow('target')
})

test.each([0, -1, Number.NaN])('a segment of %d s is refused', duration => {
  expect(() => mediaPlaylist({ init: 'i.mp4', segments: segments(duration) })).toThrow('lasts')
})

test.each(['/a', '../a', 'a/../b', 'http://h/a', '//h/a', 'a\nb', 'a"b', '', '.a', 'a b', 'a?x'])(
  'the URI %j is refused',
  uri => {
    expect(() => mediaPlaylist({ init: uri, segments: [] })).toThrow('relative')
    expect(() => mediaPlaylist({ init: 'i', segments: [{ uri, durationSeconds: 1 }] })).toThrow('relative')
    expect(() => masterPlaylist({ video: [{ ...rung(720), uri }], audio: null })).toThrow('relative')
  },
)

const rung = (shortSide: number, portrait = true): VideoVariant => ({
  uri: `${shortSide}/index.m3u8`,
  width: portrait ? shortSide : (shortSide * 16) / 9,
  height: portrait ? (shortSide * 16) / 9 : shortSide,
  fps: 30000 / 1001,
  codecs: 'avc1.64001f',
  peakBps: shortSide * 2000,
  averageBps: shortSide * 1000,
})
const audio = { uri: 'audio/index.m3u8', codecs: 'mp4a.40.2', peakBps: 130_000, averageBps: 128_000 }

test('a master playlist counts the audio in every variant', () => {
  expect(masterPlaylist({ video: [rung(720)], audio })).toBe(
    `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1570000,AVERAGE-BANDWIDTH=848000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=720x1280,FRAME-RATE=29.970,AUDIO="audio"
720/index.m3u8
`,
  )
})

test('a variant with a sound of its own names its group and counts that', () => {
  const low = { group: 'audio-low', uri: 'audio-low/index.m3u8', codecs: 'mp4a.40.2' }
  const video = [rung(720), { ...rung(180), audio: { ...low, peakBps: 66_000, averageBps: 64_000 } }]
  const text = masterPlaylist({ video, audio })
  expect(text.match(/GROUP-ID="[^"]+"|(?<=URI=)".*"/g)).toEqual([
    'GROUP-ID="audio"',
    '"audio/index.m3u8"',
    'GROUP-ID="audio-low"',
    '"audio-low/index.m3u8"',
  ])
  expect(text).toMatch(/BANDWIDTH=426000,AVERAGE-BANDWIDTH=244000,.*AUDIO="audio-low"\n180/)
  expect(text).toMatch(/BANDWIDTH=1570000,.*AUDIO="audio"\n720/)
})

test('a silent video has no audio group', () => {
  const text = masterPlaylist({ video: [rung(720)], audio: null })
  expect(text).not.toMatch(/AUDIO|mp4a/)
  expect(text).toContain('BANDWIDTH=1440000,AVERAGE-BANDWIDTH=720000,CODECS="avc1.64001f",')
})

test.each([
  [
    [1080, 720, 480, 360, 240],
    [480, 1080, 720, 360, 240],
  ],
  [
    [240, 360, 720],
    [360, 720, 240],
  ],
  [
    [1080, 720],
    [720, 1080],
  ],
  [[540], [540]],
])('of the rungs %j players begin with the first of %j', (heights, expected) => {
  for (const portrait of [true, false]) {
    const text = masterPlaylist({ video: heights.map(height => rung(height, portrait)), audio })
    expect(text.match(/^\d+(?=\/index)/gm)?.map(Number)).toEqual(expected)
  }
})

test('a master playlist without video is refused', () => {
  expect(() => masterPlaylist({ video: [], audio })).toThrow('video')
})

describe('bit rates', () => {
  const of = (...list: [seconds: number, kilobytes: number][]) =>
    bitrates(list.map(([durationSeconds, kilobytes]) => ({ durationSeconds, bytes: kilobytes * 1000 })))

  test.each<[string, [number, number][], { peakBps: number; averageBps: number }]>([
    ['one segment', [[2, 250]], { peakBps: 1_000_000, averageBps: 1_000_000 }],
    [
      'the worst of several',
      [
        [2, 250],
        [2, 500],
        [2, 0],
      ],
      { peakBps: 2_000_000, averageBps: 1_000_000 },
    ],
    // 0.5 s alone would be 4 Mbit/s; with its neighbour, 2.5 s, it is 1.6
    [
      'a short end counts with its neighbour',
      [
        [2, 250],
        [0.5, 250],
      ],
      { peakBps: 1_600_000, averageBps: 1_600_000 },
    ],
    [
      'half of the target counts alone',
      [
        [2, 250],
        [1, 250],
      ],
      { peakBps: 2_000_000, averageBps: 1_333_334 },
    ],
    ['all of it is too short', [[0.2, 25]], { peakBps: 1_000_000, averageBps: 1_000_000 }],
  ])('%s', (_what, list, expected) => {
    expect(of(...list)).toEqual(expected)
  })

  test('nothing has no bit rate', () => {
    expect(() => bitrates([])).toThrow('no bit rate')
  })
})
