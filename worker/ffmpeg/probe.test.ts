import { execFile } from 'node:child_process'
import { copyFile, readFile, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeClip } from '#test/clips.ts'
import { append, patchMp4 } from '#test/patch-mp4.ts'
import { makeFolder } from '#test/worker.ts'
import { VideoError, WorldError } from '../errors.ts'
import { type Facts, knownFacts, readFacts } from './facts.ts'
import { installLauncher } from './launcher.ts'
import { probe } from './probe.ts'

const run = promisify(execFile)
const read = (path: string): Promise<Facts> => probe(path, new AbortController().signal)
const SIZE = 1_000_000

const video = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 640,
  height: 360,
  pix_fmt: 'yuv420p',
  r_frame_rate: '30/1',
  avg_frame_rate: '30/1',
  sample_aspect_ratio: '1:1',
  duration: 10,
}
const audio = { index: 1, codec_type: 'audio', codec_name: 'aac', channels: 1, sample_fmt: 'fltp' }
const DEFAULT = { ...video, disposition: { default: 1 } }
const cover = { ...video, codec_name: 'mjpeg', disposition: { attached_pic: 1 } }
const format = { format_name: 'mov,mp4,m4a,3gp,3g2,mj2', duration: 10 }
const facts = (...streams: object[]) => readFacts({ streams, format }, SIZE)
const code = (expected: string) => expect.objectContaining({ constructor: VideoError, code: expected })

describe("ffprobe's answer", () => {
  test('becomes facts', () => {
    expect(facts(video, audio)).toEqual({
      format: format.format_name,
      durationSeconds: 10,
      video: {
        index: 0,
        codec: 'h264',
        width: 640,
        height: 360,
        rotation: 0,
        pixelFormat: 'yuv420p',
        colour: { transfer: 'sdr', primaries: 'bt709', matrix: 'smpte170m', range: 'tv' },
        frameRate: { num: 30, den: 1 },
      },
      audio: { index: 1, codec: 'aac', channels: 1 },
      isLongestDuration: false,
      startSeconds: 0,
      soundStartSeconds: 0,
      isUpright: true,
      mostSeconds: (SIZE * 8) / 500,
      isSoundLost: false,
      captions: [],
    })
  })

  test.each([
    [undefined, 0, 640, 360],
    ['0', 0, 640, 360],
    [90, 90, 360, 640],
    ['-90', 270, 360, 640],
    ['180', 180, 640, 360],
    ['-180', 180, 640, 360],
    ['270', 270, 360, 640],
    ['89.7', 90, 360, 640],
    ['45', 0, 640, 360],
    ['-93', 0, 640, 360],
    ['nonsense', 0, 640, 360],
  ])('a rotation of %s shows %d degrees, as %d×%d', (rotation, degrees, width, height) => {
    expect(facts({ ...video, rotation }).video).toMatchObject({ rotation: degrees, width, height })
  })

  test.each([
    ['1:1', 640],
    ['4:3', 853],
    ['1:2', 320],
    ['0:1', 640],
    ['N/A', 640],
    ['100:1', 640],
    [undefined, 640],
  ])('pixels of shape %s make it %d wide', (shape, width) => {
    expect(facts({ ...video, sample_aspect_ratio: shape }).video).toMatchObject({ width, height: 360 })
  })

  test('rotated pixels are shaped before they are turned', () => {
    const turned = facts({ ...video, sample_aspect_ratio: '4:3', rotation: '90' })
    expect(turned.video).toMatchObject({ width: 360, height: 853 })
  })

  test.each([
    ['steady', '30/1', '30/1', 30, 1],
    ['NTSC', '30000/1001', '30000/1001', 30000, 1001],
    ['film', '24000/1001', '24000/1001', 24000, 1001],
    ['nearly NTSC', '2997/100', '2997/100', 30000, 1001],
    ["a phone's, with frames left out", '30/1', '27961/1000', 30, 1],
    ['a timestamp grid', '90000/1', '25/1', 25, 1],
    ['a grid of milliseconds', '1000/1', '29970/1000', 30000, 1001],
    ['slow motion', '240/1', '240/1', 60, 1],
    ['twice as fast as shown', '120/1', '119/1', 60, 1],
    ['a slide show', '1/1', '1/1', 1, 1],
    ['odd', '15/1', '15/1', 15, 1],
    ['unknown', '0/0', '0/0', 30, 1],
    ['missing', undefined, undefined, 30, 1],
    ['absurd', '100000/1', '100000/1', 30, 1],
  ])('a rate that is %s (%s, on average %s) becomes %d/%d', (_, base, average, num, den) => {
    const stream = { ...video, r_frame_rate: base, avg_frame_rate: average }
    expect(facts(stream).video.frameRate).toEqual({ num, den })
  })

  test.each([
    ['its own', { duration: '9.5' }, { duration: 10 }, 9.5],
    ["the container's", { duration: 'N/A' }, { duration: '10.25' }, 10.25],
    ['none', { duration: undefined }, { duration: 'N/A' }, null],
    ['an absurd one', { duration: 1e9 }, { duration: 1e9 }, null],
    ['zero', { duration: 0 }, { duration: 0 }, null],
    ['a negative one', { duration: -3 }, {}, null],
  ])('a duration that is %s', (_, ofStream, ofFormat, expected) => {
    const raw = { streams: [{ ...video, ...ofStream }], format: { format_name: 'x', ...ofFormat } }
    expect(readFacts(raw, SIZE).durationSeconds).toBe(expected)
  })

  test.each([
    [
      'the default one',
      [
        { ...video, width: 1280 },
        { ...video, disposition: { default: 1 } },
      ],
      1,
    ],
    ['the largest of two that are', [DEFAULT, { ...DEFAULT, width: 1280 }], 1],
    ['the first of equals', [DEFAULT, DEFAULT], 0],
    ['one that can be decoded', [{ ...DEFAULT, codec_name: 'unknown' }, video], 1],
    ['no picture of an album', [{ ...DEFAULT, disposition: { default: 1, attached_pic: 1 } }, video], 1],
    ['no thumbnails', [{ ...DEFAULT, disposition: { default: 1, timed_thumbnails: 1 } }, video], 1],
  ])('of several pictures %s is taken', (_, streams, expected) => {
    const numbered = streams.map((stream, index) => ({ ...stream, index }))
    expect(facts({ index: 9, codec_type: 'data' }, ...numbered).video.index).toBe(expected)
  })

  test('the picture is the first stream that is no cover, the sound the first that can be decoded', () => {
    const found = facts(
      cover,
      { ...audio, codec_name: 'unknown' },
      { ...audio, index: 4 },
      { ...video, index: 5 },
    )
    expect(found.video.index).toBe(5)
    expect(found.audio?.index).toBe(4)
  })

  test.each([
    [
      'the default one',
      [
        { ...audio, index: 2 },
        { ...audio, index: 3, disposition: { default: 1 } },
      ],
      3,
      false,
    ],
    [
      'else the first',
      [
        { ...audio, index: 2 },
        { ...audio, index: 3 },
      ],
      2,
      false,
    ],
    [
      'one that can be decoded',
      [
        { ...audio, index: 2, sample_fmt: 'unknown', disposition: { default: 1 } },
        { ...audio, index: 3 },
      ],
      3,
      false,
    ],
    [
      'none of those that cannot',
      [
        { ...audio, sample_fmt: 'unknown' },
        { ...audio, codec_name: 'unknown' },
      ],
      undefined,
      true,
    ],
    ['none where there is none', [], undefined, false],
  ])('of several sounds the video gets %s', (_, sounds, index, isSoundLost) => {
    const found = facts(video, ...sounds)
    expect(found.audio?.index).toBe(index)
    expect(found.isSoundLost).toBe(isSoundLost)
  })

  test('a Matroska’s picture lasts as long as its own tag says, not as its sound', () => {
    const tagged = { ...video, duration: 'N/A', tags: { DURATION: '00:01:02.500000000' } }
    expect(facts(tagged, audio).durationSeconds).toBe(62.5)
    expect(facts({ ...tagged, tags: { DURATION: 'long' } }, audio).durationSeconds).toBe(10)
  })

  test.each([
    ['only sound', [audio], 'audio_only'],
    ['sound with a cover', [audio, cover], 'audio_only'],
    ['a cover alone', [cover], 'not_a_video'],
    ['nothing', [], 'not_a_video'],
    ['subtitles', [{ index: 0, codec_type: 'subtitle', codec_name: 'subrip' }], 'not_a_video'],
    ['encrypted picture', [{ ...video, codec_tag_string: 'encv' }, audio], 'encrypted'],
    ['encrypted sound', [video, { ...audio, codec_tag_string: 'enca' }], 'encrypted'],
    ['a codec that nobody knows', [{ ...video, codec_name: 'unknown' }], 'undecodable'],
    ['no size', [{ ...video, width: 0, height: 0 }], 'undecodable'],
    ['no size given', [{ ...video, width: 'N/A', height: 'N/A' }], 'undecodable'],
  ])('%s is refused as %s', (_, streams, expected) => {
    expect(() => facts(...streams)).toThrow(code(expected))
  })

  test('is asked for again where an earlier one knew less', () => {
    const found = facts(video, audio)
    expect(knownFacts(found)).toEqual(found)
    expect(knownFacts({ ...found, video: { ...found.video, colour: undefined } })).toBeNull()
  })

  test('that is no answer is a bug of ours, not a bad video', () => {
    expect(() => readFacts({ nothing: true }, SIZE)).toThrow(
      expect.not.objectContaining({ constructor: VideoError }),
    )
  })
})

// Without endings, as the storage names sources.
describe('a real file', () => {
  let folder: string
  let clip: string
  const file = (name: string) => path.join(folder, name)
  const write = async (name: string, content: string | Buffer) => {
    await writeFile(file(name), content)
    return file(name)
  }
  beforeAll(async () => {
    folder = await makeFolder()
    await installLauncher(file('launcher'), { ffmpegPath: null, ffprobePath: null })
    clip = await makeClip(folder, 'clip.mp4', { width: 160, height: 120, seconds: 1 })
  })

  test('is read, whatever its name', async () => {
    await copyFile(clip, file('nameless'))
    expect(await read(file('nameless'))).toMatchObject({
      durationSeconds: 1,
      video: { codec: 'h264', width: 160, height: 120, frameRate: { num: 30, den: 1 } },
      audio: { codec: 'aac', channels: 1 },
    })
  })

  test('that a phone turned is shown upright', async () => {
    const args = [
      '-y',
      '-v',
      'error',
      '-i',
      clip,
      '-c',
      'copy',
      '-metadata:s:v',
      'rotate=90',
      file('turned.mov'),
    ]
    await run('ffmpeg', args)
    expect((await read(file('turned.mov'))).video).toMatchObject({ width: 120, height: 160 })
  })

  test.each([
    ['5 (0)', 5, 0, 'dolby_vision'],
    ['8.4', 8, 4, null],
  ])(
    'in Dolby Vision of profile %s is refused only where it has no base',
    async (_, profile, base, refused) => {
      // Dolby Vision Streams Within the ISO Base Media File Format, §2.2: versions, profile (7 bits), level (6),
      // three flags, base (4)
      const record = Buffer.alloc(24)
      record.writeUInt8(1)
      record.writeUInt16BE((profile << 9) | (6 << 3) | 0b101, 2)
      record.writeUInt8(base << 4, 4)
      const box = Buffer.concat([Buffer.from('....dvcC'), record])
      box.writeUInt32BE(box.length)
      const entry = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd', 'avc1']
      const source = await patchMp4(clip, file('dolby.mp4'), append(entry, box))
      if (refused) await expect(read(source)).rejects.toThrow(code(refused))
      else expect((await read(source)).video.colour.transfer).toBe('sdr')
    },
  )

  test('of zero bytes is empty', async () => {
    await expect(read(await write('empty', ''))).rejects.toThrow(code('empty_file'))
  })

  test('of text is no video', async () => {
    await expect(read(await write('text', 'dear diary\n'.repeat(1000)))).rejects.toThrow(code('not_a_video'))
  })

  test('of noise is no video', async () => {
    const noise = Buffer.from(
      Array.from({ length: 50_000 }, (_, index) => (index * 7919 + (index >> 3) * 31) % 256),
    )
    await expect(read(await write('noise', noise))).rejects.toThrow(VideoError)
  })

  test.each(['png', 'jpg', 'bmp', 'webp'])('that is a %s image is no video', async type => {
    const image = file(`image.${type}`)
    await run('ffmpeg', ['-y', '-v', 'error', '-i', clip, '-frames:v', '1', '-update', '1', image])
    await copyFile(image, file('image'))
    await expect(read(file('image'))).rejects.toThrow(code('not_a_video'))
  })

  test.each(['mp3', 'wav', 'm4a', 'ogg', 'flac'])('with %s sound alone says so', async type => {
    const sound = file(`sound.${type}`)
    await run('ffmpeg', ['-y', '-v', 'error', '-i', clip, '-vn', sound])
    await expect(read(sound)).rejects.toThrow(code('audio_only'))
  })

  test('cut before its index is damaged', async () => {
    await copyFile(clip, file('cut.mp4'))
    await truncate(file('cut.mp4'), 10_000)
    await expect(read(file('cut.mp4'))).rejects.toThrow(code('damaged'))
  })

  test('that is encrypted says so', async () => {
    const key = '0123456789abcdef0123456789abcdef'
    const encrypt = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', key, '-encryption_kid', key]
    await run('ffmpeg', ['-y', '-v', 'error', '-i', clip, '-c', 'copy', ...encrypt, file('drm.mp4')])
    await expect(read(file('drm.mp4'))).rejects.toThrow(code('encrypted'))
  })

  test.each([
    ['an HLS playlist', () => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n${clip}\n#EXT-X-ENDLIST\n`],
    ['a concat script', () => `ffconcat version 1.0\nfile '${clip}'\n`],
    [
      'an SDP',
      () => 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n',
    ],
    [
      'a DASH manifest',
      () =>
        `<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>${clip}</BaseURL></MPD>`,
    ],
  ])('that is %s in disguise opens nothing', async (_, text) => {
    await expect(read(await write('disguise', text()))).rejects.toThrow(code('not_a_video'))
  })

  test('is the same after it was looked at', async () => {
    const before = await readFile(clip)
    await read(clip)
    expect(before.equals(await readFile(clip))).toBe(true)
  })
})

test('a picture that is too large to be looked at is refused for that', async () => {
  const folder = await makeFolder()
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
  const size = { width: 9024, height: 4096, fps: 1, seconds: 1, hasAudio: false }
  // A container that says nothing of the picture's size.
  const file = await makeClip(folder, 'large.ts', { ...size, options: ['-f', 'mpegts'] })
  await expect(read(file)).rejects.toMatchObject({
    code: 'too_many_pixels',
    message: expect.stringContaining('9024 × 4096'),
  })
})

describe('a tool that is broken, not a file', () => {
  test.each([
    ['is missing a library', 'echo "error while loading shared libraries: libx.so" >&2; exit 127'],
    ['is killed', 'kill -KILL $$'],
    ['crashes', 'kill -SEGV $$'],
    ['is out of memory', 'echo "Cannot allocate memory" >&2; exit 1'],
  ])('%s: the video is not blamed', async (_, script) => {
    const folder = await makeFolder()
    const file = path.join(folder, 'ffprobe')
    await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: file })
    const source = await makeClip(folder, 'fine.mp4', { width: 160, height: 120, seconds: 1 })
    await expect(read(source)).rejects.toThrow(WorldError)
  })

  test('a storage that hangs does not keep a worker that has to stop', async () => {
    const folder = await makeFolder()
    const file = path.join(folder, 'ffprobe')
    await writeFile(file, '#!/bin/sh\nexec sleep 5\n', { mode: 0o755 })
    await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: file })
    const source = await makeClip(folder, 'fine.mp4', { width: 160, height: 120, seconds: 1 })
    await expect(probe(source, AbortSignal.timeout(100))).rejects.toThrow(/timeout/i)
  })
})
