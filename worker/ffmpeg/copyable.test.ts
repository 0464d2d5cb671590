// Which sources are copied and why others are not: one clip for each reason, by real FFmpeg, with
// single fields changed where no encoder lies like that.
import { execFile } from 'node:child_process'
import { open, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeClip } from '#test/clips.ts'
import { all, append, locate, type Patch, patchMp4, replace, setWord } from '#test/patch-mp4.ts'
import { makeFolder } from '#test/worker.ts'
import type { CopyRefusal } from './copy-refusal.ts'
import { type Copyable, judgeCopy, type NotCopyable } from './copyable.ts'
import type { Facts } from './facts.ts'
import { installLauncher } from './launcher.ts'
import { probe } from './probe.ts'

const run = promisify(execFile)
const STBL = ['moov', 'trak', 'mdia', 'minf', 'stbl']
const SMALL = { width: 160, height: 120, seconds: 2 }

let folder: string
let plain: string
let plainFacts: Facts
const file = (name: string) => path.join(folder, name)
const read = (source: string) => probe(source, new AbortController().signal)
const judge = async (source: string) => judgeCopy(source, await read(source))
const reencode = async (name: string, ...options: string[]) => makeClip(folder, name, { ...SMALL, options })
const remux = async (name: string, before: string[], after: string[]) => {
  await run('ffmpeg', ['-y', '-v', 'error', ...before, '-i', plain, '-c', 'copy', ...after, file(name)])
  return file(name)
}

beforeAll(async () => {
  folder = await makeFolder()
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
  // B-frames, a keyframe each second
  plain = await makeClip(folder, 'plain.mp4', {
    ...{ ...SMALL, seconds: 5 },
    options: ['-preset', 'veryfast', '-g', '30', '-x264-params', 'scenecut=0'],
  })
  plainFacts = await read(plain)
})

test('what every player takes is copied, and the index says how', async () => {
  const verdict = copyable(await judge(plain))
  expect(verdict).toMatchObject({ copies: 'picture and sound', startSeconds: 0, targetSeconds: 2 })
  expect(verdict.keyframeSeconds).toEqual([0, 1, 2, 3, 4])
  expect(verdict.durationSeconds).toBeCloseTo(5, 6)
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=size', '-of', 'csv=p=0', plain],
  ])
  const bytes = stdout.split('\n').reduce((sum, line) => sum + Number(line.split(',')[0]), 0)
  expect(verdict.averageBps).toBe(Math.ceil((bytes * 8) / verdict.durationSeconds))
  expect(verdict.peakBps).toBeGreaterThan(verdict.averageBps)
})

describe('a picture is encoded, not copied', () => {
  test.each<[string, CopyRefusal, string[]]>([
    ['in another container (mkv)', 'not an MP4', []],
    ['in fragments', 'fragmented', ['-movflags', 'frag_keyframe+empty_moov']],
    ['beside another picture', 'several pictures', ['-map', '0:v', '-map', '0:v', '-map', '1:a']],
    ['with another codec', 'not avc1', ['-c:v', 'mpeg4']],
    ['with pixels that are not square', 'pixel shape', ['-vf', 'setsar=4/3']],
    ['with more than 8 bits', 'pixel format', ['-pix_fmt', 'yuv420p10le']],
    ['in 4:2:2', 'pixel format', ['-pix_fmt', 'yuv422p']],
    ['in 4:4:4', 'pixel format', ['-pix_fmt', 'yuv444p']],
    ['made of fields', 'interlaced', ['-x264-params', 'interlaced=1']],
    ['with a level that few decoders have', 'level', ['-level', '5.2']],
    ['wider than 1080p', 'too large', ['-vf', 'scale=1936:64,setsar=1', '-t', '0.2']],
    [
      'with open groups of pictures',
      'open GOP',
      ['-g', '20', '-x264-params', 'open-gop=1:bframes=2:scenecut=0'],
    ],
    ['with keyframes too far apart', 'sparse keyframes', ['-vf', 'tpad=stop_duration=4', '-g', '300']],
    ['all keyframes', 'dense keyframes', ['-g', '1']],
    ['with a hundred pictures a second', 'wild rate', ['-r', '100']],
    [
      'that stops for two seconds',
      'wild rate',
      ['-vf', "setpts='PTS+gt(N,20)*2/TB'", '-fps_mode', 'passthrough'],
    ],
    [
      'that hurries',
      'wild rate',
      ['-vf', "fps=60,setpts='if(lt(N,90),N/150,N/30-2.4)/TB'", '-fps_mode', 'passthrough'],
    ],
    [
      'with too many bits',
      'bit rate',
      ['-vf', 'noise=alls=100:allf=t,scale=640:360,setsar=1', '-crf', '1', '-t', '0.5'],
    ],
  ])('%s: %s', async (name, reason, options) => {
    const ending = name.includes('mkv') ? 'mkv' : 'mp4'
    const clip = await reencode(`${name.replaceAll(/\W/g, '-')}.${ending}`, ...options)
    expect(await judge(clip)).toMatchObject({ reason })
  })

  test.each<[string, CopyRefusal, string[], string[]]>([
    ['that was cut off a keyframe', 'edit list', ['-ss', '1.5'], []],
    [
      'that begins after its sound',
      'late picture',
      ['-itsoffset', '0.5', '-i', '{}'],
      ['-map', '0:v', '-map', '1:a'],
    ],
  ])('%s: %s', async (name, reason, before, after) => {
    const clip = await remux(
      `${reason}.mp4`,
      before.map(arg => arg.replace('{}', plain)),
      after,
    )
    expect(await judge(clip), name).toMatchObject({ reason })
  })

  test.each<[string, CopyRefusal, Patch]>([
    ['with parameter sets beside its samples (avc3)', 'not avc1', rename(['stsd', 'avc1'], 'avc3')],
    ['turned by a matrix', 'rotated', all(setWord('tkhd', 40, 0), setWord('tkhd', 44, 0x10000))],
    ['mirrored by a matrix', 'rotated', setWord('tkhd', 40, -0x10000)],
    ['turned by the movie', 'rotated', setWord('mvhd', 36, -0x10000)],
    ['stretched by the track', 'pixel shape', setWord('tkhd', 76, 320 * 65536)],
    ['with an odd size in the container', 'lying size', setShort(['stsd', 'avc1'], 24, 159)],
    ['with profile Baseline, not constrained', 'profile', setProfile(66, 0x80)],
    ['with profile Extended', 'profile', setProfile(88, 0)],
    ['with another profile in the container', 'profile', setByte(['stsd', 'avcC'], 1, 77)],
    ['with two sample entries', 'changing parameter sets', addSampleEntry()],
    ['with a size that changes', 'changing parameter sets', addParameterSet()],
    ['with an edit that leaves out its end', 'edit list', setWord('elst', 8, 1000)],
    ['with an edit that starts off a keyframe', 'edit list', setWord('elst', 12, 1024 + 512 * 10)],
    ['with a slow edit', 'edit list', setWord('elst', 16, 0x8000)],
    ['with pictures that last no time', 'odd timestamps', setWord('stts', 12, 0)],
    ['with pictures that last less than that', 'odd timestamps', setWord('stts', 12, -512)],
    ['with a picture far from its place', 'odd timestamps', setWord('ctts', 20, 15360 * 30)],
    ['with two pictures at a time', 'odd timestamps', setWord('ctts', 20, 512)],
    ['with a keyframe that is none', 'open GOP', setWord('stss', 12, 32)],
    ['with partial sync samples', 'open GOP', append(STBL, box('stps', words(0, 1, 4)))],
    ['with random access points in a group', 'open GOP', append(STBL, box('sbgp', rapGroup()))],
  ])('%s: %s', async (name, reason, patch) => {
    const clip = await patchMp4(plain, file('patched.mp4'), patch)
    expect(await judgeCopy(clip, plainFacts), name).toMatchObject({ reason })
  })

  test('in two edits: edit list', async () => {
    const late = await remux('late.mp4', ['-itsoffset', '0.04', '-i', plain], ['-map', '0:v', '-map', '1:a'])
    const clip = await patchMp4(late, file('two-edits.mp4'), setWord('elst', 12, 0))
    expect(await judgeCopy(clip, plainFacts)).toMatchObject({ reason: 'edit list' })
  })

  test('whose later parameter sets are not those of the index: changing parameter sets', async () => {
    const clip = await reencode('in-band.mp4', '-bsf:v', 'dump_extra')
    expect(copyable(await judge(clip)).copies).toBe('picture and sound')
    const other = all(setByte(['stsd', 'avcC'], 3, 40), setByte(['stsd', 'avcC'], 11, 40))
    const patched = await patchMp4(clip, file('in-band-other.mp4'), other)
    expect(await judgeCopy(patched, await read(clip))).toMatchObject({ reason: 'changing parameter sets' })
  })

  test.each<[string, CopyRefusal, Partial<Facts['video']>]>([
    ['that is decoded as something else', 'not avc1', { codec: 'hevc' }],
    ['that ffprobe sees turned', 'rotated', { rotation: 90 }],
    ['that ffprobe sees in ten bits', 'pixel format', { pixelFormat: 'yuv420p10le' }],
    [
      'that is HDR',
      'high dynamic range',
      { colour: { transfer: 'hlg', primaries: 'bt2020', matrix: 'bt2020nc', range: 'tv' } },
    ],
    ['that ffprobe sees in another size', 'lying size', { width: 162 }],
  ])('%s: %s', async (_, reason, video) => {
    const facts = { ...plainFacts, video: { ...plainFacts.video, ...video } }
    expect(await judgeCopy(plain, facts)).toMatchObject({ reason })
  })

  test('that is encrypted: encrypted', async () => {
    const key = '00112233445566778899aabbccddeeff'
    const encrypt = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', key, '-encryption_kid', key]
    const clip = await remux('drm.mp4', [], encrypt)
    expect(await judgeCopy(clip, plainFacts)).toMatchObject({ reason: 'encrypted' })
  })

  test('whose end is missing: cut short', async () => {
    const clip = await remux('short.mp4', [], ['-movflags', '+faststart'])
    await truncate(clip, Math.round((await stat(clip)).size * 0.8))
    expect(await judgeCopy(clip, plainFacts)).toMatchObject({ reason: 'cut short' })
  })
})

describe('sound', () => {
  test.each<[string, Copyable['copies'], string[]]>([
    ['none', 'picture and sound', ['-an']],
    ['AAC, mono, 48 kHz', 'picture and sound', []],
    ['AAC, stereo, 44.1 kHz', 'picture and sound', ['-ac', '2', '-ar', '44100']],
    ['AAC in a MOV, as phones write it', 'picture and sound', ['-f', 'mov']],
    ['AAC, 5.1', 'picture', ['-ac', '6']],
    ['AAC, 22 kHz', 'picture', ['-ar', '22050']],
    ['MP3', 'picture', ['-c:a', 'libmp3lame']],
    ['PCM in a MOV', 'picture', ['-f', 'mov', '-c:a', 'pcm_s16le']],
    ['two languages', 'picture', ['-map', '0:v', '-map', '1:a', '-map', '1:a']],
  ])('%s: %s', async (name, copies, options) => {
    const clip = await reencode(`sound-${name.replaceAll(/\W/g, '-')}.mp4`, ...options)
    expect(copyable(await judge(clip)).copies).toBe(copies)
  })

  test.each<[string, Patch]>([
    [
      'whose frames lie on each other: of a small file they would make a large one',
      all(setSoundWord('stsz', 4, 10_000), bytes => Buffer.concat([bytes, box('free', Buffer.alloc(1e6))])),
    ],
    ['that has gaps', setSoundWord('stts', 12, 10_000)],
    ['that is not all there', setSoundWord('stco', 8, 2 ** 31)],
  ])('%s is encoded', async (_, patch) => {
    const clip = await patchMp4(plain, file('lying-sound.mp4'), patch)
    expect(copyable(await judgeCopy(clip, plainFacts)).copies).toBe('picture')
  })

  test('that begins after the picture is encoded, with silence before it', async () => {
    const clip = await remux(
      'late-sound.mp4',
      ['-itsoffset', '0.5', '-i', plain],
      ['-map', '0:a', '-map', '1:v'],
    )
    expect(copyable(await judge(clip)).copies).toBe('picture')
  })
})

describe('an index that cannot be read', () => {
  test.each<[string, Patch]>([
    ['with a size that lies', setWord('moov', -8, 2 ** 31)],
    ['that is smaller than its head', setWord('moov', -8, 4)],
    ['with four thousand million samples', setWord('stsz', 8, 2 ** 32 - 1)],
    ['with so many of one size', all(setWord('stsz', 4, 1), setWord('stsz', 8, 2 ** 32 - 1))],
    ['with a table of four thousand million rows', setWord('stts', 4, 2 ** 32 - 1)],
    ['with a run of four thousand million samples', setWord('stts', 8, 2 ** 32 - 1)],
    ['with chunks that go on for ever', setWord('stsc', 12, 2 ** 32 - 1)],
    ['with chunks before the first', setWord('stsc', 8, 0)],
    ['with keyframes beyond the end', setWord('stss', 8, 2 ** 32 - 1)],
    ['with so many edits', setWord('elst', 4, 2 ** 32 - 1)],
    ['with a clock that stands', setWord('mdhd', 12, 0)],
    ['with empty pictures', setWord('stsz', 12, 0)],
    ['without a picture', rename(['hdlr', 'vide'], 'text')],
    ['without itself', rename(['moov'], 'free')],
    ['made of a million boxes', append(['moov'], Buffer.alloc(8_000_000, box('free', Buffer.alloc(0))))],
    ['without parameter sets', setByte(['stsd', 'avcC'], 5, 0xe0)],
    ['whose pictures lie elsewhere', setWord('stco', 8, 0)],
  ])('%s is refused', async (name, patch) => {
    const clip = await patchMp4(plain, file('broken.mp4'), patch)
    expect(await judgeCopy(clip, plainFacts), name).toMatchObject({ reason: 'unreadable index' })
  })

  test('an answer comes whatever byte of it is changed', async () => {
    const clip = await makeClip(folder, 'fuzzed.mp4', { ...SMALL, seconds: 1, fps: 10 })
    const facts = await read(clip)
    const handle = await open(clip, 'r+')
    const bytes = await handle.readFile()
    const reasons = new Set<string>()
    for (let at = locate(bytes, ['moov']) - 4; at < bytes.length; at++) {
      for (const value of [0x00, 0xff]) {
        await handle.write(Buffer.of(value), 0, 1, at)
        const verdict = await judgeCopy(clip, facts)
        reasons.add('reason' in verdict ? verdict.reason : verdict.copies)
      }
      await handle.write(bytes, at, 1, at)
    }
    await handle.close()
    expect(reasons).toContain('unreadable index')
    expect(reasons).toContain('picture and sound')
  })

  test('nothing is read of a file when the work is over', async () => {
    await expect(judgeCopy(plain, plainFacts, AbortSignal.abort(new Error('over')))).rejects.toThrow('over')
  })

  test('a file that is gone is no verdict', async () => {
    await expect(judgeCopy(file('gone.mp4'), plainFacts)).rejects.toThrow('ENOENT')
  })
})

test('ten minutes are judged in a tenth of a second of one core', async () => {
  const minute = await makeClip(folder, 'minute.mp4', {
    ...{ width: 64, height: 64, seconds: 60, fps: 60 },
    options: ['-g', '120'],
  })
  const long = file('long.mp4')
  await run('ffmpeg', ['-y', '-v', 'error', '-stream_loop', '9', '-i', minute, '-c', 'copy', long])
  const facts = await read(long)
  // The best of a few, each in the time it had a core: other tests want them too.
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage()
    expect(copyable(await judgeCopy(long, facts)).keyframeSeconds).toHaveLength(300)
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }
  expect(Math.min(...times)).toBeLessThan(100)
})

function copyable(verdict: Copyable | NotCopyable): Copyable {
  if ('reason' in verdict) throw new Error(`${verdict.reason}: ${verdict.detail}`)
  return verdict
}

/** As `setWord`, in the sound's tables. */
function setSoundWord(type: string, at: number, value: number): Patch {
  return bytes => {
    bytes.writeUInt32BE(value, locate(bytes, ['soun', type]) + 4 + at)
    return bytes
  }
}

function setByte(at: string[], offset: number, value: number): Patch {
  return bytes => {
    bytes.writeUInt8(value, locate(bytes, at) + 4 + offset)
    return bytes
  }
}

function setShort(at: string[], offset: number, value: number): Patch {
  return bytes => {
    bytes.writeUInt16BE(value, locate(bytes, at) + 4 + offset)
    return bytes
  }
}

function rename(at: string[], type: string): Patch {
  return bytes => {
    bytes.write(type, locate(bytes, at), 'latin1')
    return bytes
  }
}

/** In avcC and in the parameter set in it, which begins eight bytes into it. */
function setProfile(profile: number, constraints: number): Patch {
  return all(
    ...[1, 9].flatMap(at => [
      setByte(['stsd', 'avcC'], at, profile),
      setByte(['stsd', 'avcC'], at + 1, constraints),
    ]),
  )
}

function addSampleEntry(): Patch {
  const again = replace([...STBL, 'stsd'], stsd => Buffer.concat([stsd, stsd.subarray(16)]))
  return all(again, setWord('stsd', 4, 2))
}

/** A second one, of 16×16 pixels: Constrained Baseline, no cropping, nothing else said (§7.3.2.1). */
function addParameterSet(): Patch {
  const sps = Buffer.from('6742c00ada79', 'hex')
  return replace([...STBL, 'stsd', 'avc1', 'avcC'], avcC => {
    const end = 16 + avcC.readUInt16BE(14)
    avcC.writeUInt8(0xe2, 13)
    return Buffer.concat([avcC.subarray(0, end), Buffer.of(0, sps.length), sps, avcC.subarray(end)])
  })
}

function box(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(body.length + 8)
  head.write(type, 4)
  return Buffer.concat([head, body])
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}

function rapGroup(): Buffer {
  return Buffer.concat([words(0), Buffer.from('rap '), words(1, 4, 1)])
}
