// Real segments by FFmpeg, as the ladder makes them, and the same ones broken.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readInitSegment, readMediaSegment } from '#media/bmff.ts'
import { BmffError, splitBoxes } from '#media/bmff-boxes.ts'

const ffmpeg = process.env.FFMPEG_PATH || 'ffmpeg'
const folders: string[] = []
let both: Stream
let openGop: Stream
let silent: Stream

interface Stream {
  init: Buffer
  segments: Buffer[]
}

beforeAll(() => {
  const sound = ['-f', 'lavfi', '-i', 'sine=d=5', '-c:a', 'aac']
  both = makeHls([...sound, '-x264-params', 'scenecut=0'])
  openGop = makeHls(['-x264-params', 'scenecut=0:open-gop=1:bframes=2'])
  silent = makeHls(['-bf', '0'])
})

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

test('an init segment says what its tracks are', () => {
  const [video, audio] = readInitSegment(both.init)
  expect(video).toMatchObject({ kind: 'video', width: 72, height: 128, nalLengthBytes: 4, timescale: 15360 })
  expect(video?.codec).toMatch(/^avc1\.[0-9a-f]{6}$/)
  expect(audio).toMatchObject({
    kind: 'audio',
    codec: 'mp4a.40.2',
    channels: 1,
    sampleRate: 44100,
    timescale: 44100,
    // the AAC encoder's priming, which the edit list skips
    startTicks: 1024,
    emptyEditSeconds: 0,
  })
})

test('the codec string is the one in the parameter set', () => {
  const [video] = readInitSegment(both.init)
  // profile_idc, constraint flags and level_idc follow the SPS's NAL header (0x67)
  const sps = both.init.indexOf(Buffer.from([0x67]), both.init.indexOf('avcC') + 8)
  expect(video?.codec).toBe(`avc1.${both.init.subarray(sps + 1, sps + 4).toString('hex')}`)
})

test('segments of five seconds in twos: times, durations and an IDR first', () => {
  const tracks = readInitSegment(both.init)
  const fragments = both.segments.map(segment => readMediaSegment(segment, tracks))
  const video = fragments.map(list => list.find(fragment => fragment.kind === 'video'))
  expect(video.map(fragment => fragment?.baseDecodeSeconds)).toEqual([0, 2, 4])
  expect(video.map(fragment => fragment?.durationSeconds)).toEqual([2, 2, 1])
  expect(video.map(fragment => fragment?.sampleCount)).toEqual([60, 60, 30])
  expect(video.every(fragment => fragment?.startsWithSync && fragment.startsWithIdr)).toBe(true)
  const audio = fragments.map(list => list.find(fragment => fragment.kind === 'audio'))
  const ticks = audio.reduce((sum, fragment) => sum + (fragment?.durationTicks ?? 0), 0)
  expect(ticks / 44100).toBeCloseTo(5 + 1024 / 44100, 1)
  expect(audio.map(fragment => fragment?.startsWithIdr)).toEqual([null, null, null])
  // each segment begins where the one before it ended
  expect(audio[1]?.baseDecodeTicks).toBe(audio[0]?.durationTicks)
})

test('sample bytes are what mdat holds', () => {
  const tracks = readInitSegment(both.init)
  const [segment = Buffer.alloc(0)] = both.segments
  const mdat = splitBoxes(segment).find(box => box.type === 'mdat')
  const bytes = readMediaSegment(segment, tracks).reduce((sum, fragment) => sum + fragment.sampleBytes, 0)
  expect(bytes).toBe(mdat?.body.length)
})

test('an open GOP is told from an IDR whatever its flags say', () => {
  const tracks = readInitSegment(openGop.init)
  const fragments = openGop.segments.flatMap(segment => readMediaSegment(segment, tracks))
  expect(fragments.map(fragment => fragment.startsWithIdr)).toEqual([true, false, false])
  expect(fragments.every(fragment => fragment.startsWithSync)).toBe(true)
})

test('a video without sound or B-frames has one track that starts at once', () => {
  expect(readInitSegment(silent.init)).toMatchObject([{ kind: 'video', startTicks: 0 }])
})

describe('broken bytes', () => {
  test('whatever is cut off is an error, never half an answer', () => {
    const tracks = readInitSegment(both.init)
    const [segment = Buffer.alloc(0)] = both.segments
    for (let end = 0; end < both.init.length; end++) {
      // The last box, udta, may be missing only as a whole with moov's size: never by cutting.
      expect(() => readInitSegment(both.init.subarray(0, end))).toThrow(BmffError)
    }
    for (let end = 0; end < segment.length; end += 97) {
      expect(() => readMediaSegment(segment.subarray(0, end), tracks)).toThrow(BmffError)
    }
  })

  test('any changed byte gives an answer or a BmffError, and soon', () => {
    const tracks = readInitSegment(both.init)
    const [segment = Buffer.alloc(0)] = both.segments
    const headBytes = splitBoxes(segment).find(box => box.type === 'mdat')?.bodyOffset ?? 0
    for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      for (let at = 0; at < both.init.length; at++) {
        expectAnswerOrError(() => readInitSegment(changed(both.init, at, value)))
      }
      for (let at = 0; at < headBytes + 16; at++) {
        expectAnswerOrError(() => readMediaSegment(changed(segment, at, value), tracks))
      }
    }
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('this is not a video, it only has the name of one')],
    ['zeros', Buffer.alloc(64)],
    ['a box of size 0', Buffer.from('00000000666f6f6d', 'hex')],
    ['a box smaller than its head', Buffer.from('00000004666f6f6d', 'hex')],
    ['a box of 2^63 bytes', Buffer.from('00000001666f6f6d7fffffffffffffff', 'hex')],
  ])('%s is neither kind of segment', (_what, bytes) => {
    expect(() => readInitSegment(bytes)).toThrow(BmffError)
    expect(() => readMediaSegment(bytes, [])).toThrow(BmffError)
  })

  test('samples that point beyond their mdat are an error', () => {
    const tracks = readInitSegment(silent.init)
    const [segment = Buffer.alloc(0)] = silent.segments
    const offset = segment.indexOf('trun') + 12
    const broken = Buffer.from(segment)
    broken.writeInt32BE(segment.readInt32BE(offset) + 1, offset)
    expect(() => readMediaSegment(broken, tracks)).toThrow('outside of every mdat')
    broken.writeInt32BE(-5000, offset)
    expect(() => readMediaSegment(broken, tracks)).toThrow('outside of every mdat')
  })

  test('a segment of another init is an error', () => {
    const [, audio] = readInitSegment(both.init)
    const [segment = Buffer.alloc(0)] = both.segments
    expect(() => readMediaSegment(segment, audio ? [audio] : [])).toThrow('not in the init segment')
  })
})

function makeHls(options: string[]): Stream {
  const folder = mkdtempSync(path.join(tmpdir(), 'pgreel-bmff-'))
  folders.push(folder)
  execFileSync(
    ffmpeg,
    [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=72x128:r=30:d=5', ...options],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-keyint_min', '60', '-pix_fmt', 'yuv420p'],
      ...['-avoid_negative_ts', 'disabled', '-f', 'hls', '-hls_time', '2', '-hls_segment_type', 'fmp4'],
      ...['-hls_playlist_type', 'vod', '-hls_fmp4_init_filename', 'init.mp4'],
      ...['-hls_segment_filename', path.join(folder, '%d.m4s'), path.join(folder, 'index.m3u8')],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const names = readdirSync(folder).filter(name => name.endsWith('.m4s'))
  return {
    init: readFileSync(path.join(folder, 'init.mp4')),
    segments: names.sort().map(name => readFileSync(path.join(folder, name))),
  }
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}

function expectAnswerOrError(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof BmffError)) throw error
  }
}
