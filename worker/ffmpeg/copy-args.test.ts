// What judgeCopy promises of a source is what FFmpeg's copy becomes: segments, durations, beginnings.
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { type Fragment, readInitSegment, readMediaSegment } from '#media/bmff.ts'
import { makeClip } from '#test/clips.ts'
import { patchMp4, setWord } from '#test/patch-mp4.ts'
import { makeFolder } from '#test/worker.ts'
import { copyInput, copySegments } from './copy-args.ts'
import { type Copyable, judgeCopy } from './copyable.ts'
import { installLauncher } from './launcher.ts'
import { probe } from './probe.ts'

const run = promisify(execFile)
const AAC_FRAME_SECONDS = 1024 / 44_100
// What FFmpeg's and Apple's encoders write before the sound, and what a late picture may cut off.
const PRIMING_SECONDS = 2112 / 44_100 + 0.1
const SIZE = { width: 160, height: 120 }
const B_FRAMES = ['-preset', 'veryfast', '-g', '45', '-x264-params', 'scenecut=0']
const VARYING = ['-fps_mode', 'passthrough', ...B_FRAMES]

let folder: string
let plain: string
const clip = (name: string, ...options: string[]) =>
  makeClip(folder, `${name}.mp4`, { ...SIZE, seconds: 7, options })
const remux = async (name: string, before: string[], ...after: string[]) => {
  const target = path.join(folder, `${name}.mp4`)
  await run('ffmpeg', ['-y', '-v', 'error', ...before, '-i', plain, '-c', 'copy', ...after, target])
  return target
}

beforeAll(async () => {
  folder = await makeFolder()
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
  plain = await clip('plain', ...B_FRAMES)
})

test.each<[string, () => Promise<string>]>([
  ['B-frames and a keyframe each 1.5 s', async () => plain],
  ['no B-frames', () => clip('no-b', '-bf', '0', '-g', '30')],
  ['no sound', () => clip('silent', ...B_FRAMES, '-an')],
  ['29.97 pictures a second', () => clip('ntsc', '-vf', 'fps=30000/1001', '-r', '30000/1001', ...B_FRAMES)],
  ['60 pictures a second', () => clip('sixty', '-r', '60', ...B_FRAMES)],
  ['keyframes as often as may be', () => clip('dense', '-g', '6', '-t', '3')],
  [
    'an uneven grid of keyframes',
    () => clip('uneven', '-g', '300', '-force_key_frames', '1.9,2.1,3.9,5.8,6'),
  ],
  ['shorter than a segment', () => clip('short', '-t', '0.4')],
  ['a MOV', () => clip('mov', ...B_FRAMES, '-f', 'mov')],
  ['a clock of milliseconds', () => clip('ms', ...B_FRAMES, '-video_track_timescale', '1000')],
  ['an odd clock', () => clip('odd', ...B_FRAMES, '-video_track_timescale', '2997')],
  ['no edit list', () => remux('no-edits', [], '-use_editlist', '0')],
  ['no edit list and no sound', () => remux('bare', [], '-use_editlist', '0', '-an')],
  ['negative composition offsets', () => remux('negative', [], '-movflags', 'negative_cts_offsets')],
  [
    'a picture 40 ms after the sound',
    () => remux('late', ['-itsoffset', '0.04', '-i', plain], '-map', '0:v', '-map', '1:a'),
  ],
  [
    'sound 20 ms after the picture',
    () => remux('late-sound', ['-itsoffset', '0.02', '-i', plain], '-map', '0:a', '-map', '1:v'),
  ],
  ['all of it ten seconds late', () => remux('ten', ['-itsoffset', '10'])],
  [
    'an edit from a later keyframe',
    () => patchMp4(plain, path.join(folder, 'later.mp4'), setWord('elst', 12, 1024 + 45 * 512)),
  ],
  [
    'a phone that leaves pictures out',
    () => clip('vfr', '-vf', "select='mod(n,7)'", '-fps_mode', 'vfr', '-g', '45', '-bf', '0'),
  ],
  [
    'a rate that varies, with B-frames',
    () =>
      clip(
        'jitter',
        '-vf',
        "settb=1/90000,setpts='floor((N+0.3*random(0))*3003)'",
        '-enc_time_base',
        '1:90000',
        '-video_track_timescale',
        '90000',
        ...VARYING,
      ),
  ],
  [
    'a clock of 600 ticks that jitters, with B-frames',
    () =>
      clip(
        'ticks',
        '-vf',
        "settb=1/600,setpts='N*20+floor(random(0)*3)'",
        '-enc_time_base',
        '1:600',
        '-video_track_timescale',
        '600',
        ...VARYING,
      ),
  ],
])('a copy of a source with %s is what was promised', async (_, make) => {
  const source = await make()
  const facts = await probe(source, new AbortController().signal)
  const verdict = await judgeCopy(source, facts)
  if ('reason' in verdict) throw new Error(`${verdict.reason}: ${verdict.detail}`)
  const { video, audio } = await copy(source, verdict, facts.audio !== null)
  const frame = 1 / 29
  const starts = cut(verdict.keyframeSeconds)
  expect(video.map(fragment => fragment.startsWithIdr)).toEqual(starts.map(() => true))
  for (const [index, fragment] of video.entries()) {
    const [start = 0, end = verdict.durationSeconds] = starts.slice(index, index + 2)
    expect(fragment.presentSeconds).toBeCloseTo(start, 3)
    expect(Math.abs(fragment.durationSeconds - (end - start))).toBeLessThan(frame)
    expect(Math.round(fragment.durationSeconds)).toBeLessThanOrEqual(verdict.targetSeconds)
  }
  requireNoGaps(video)
  requireNoGaps(audio)
  const [sound] = audio
  if (!sound) return
  expect(verdict.copies).toBe('picture and sound')
  expect(sound.presentSeconds).toBeLessThanOrEqual(AAC_FRAME_SECONDS)
  expect(sound.presentSeconds).toBeGreaterThan(-PRIMING_SECONDS)
})

/** One fragment for each segment. */
async function copy(source: string, verdict: Copyable, hasSound: boolean) {
  const scratch = path.join(folder, `${path.basename(source)}.hls`)
  const streams = hasSound ? ['video', 'audio'] : ['video']
  for (const name of streams) await mkdir(path.join(scratch, name), { recursive: true })
  const outputs = streams.flatMap(name => [
    ...['-map', name === 'video' ? '0:v' : '0:a'],
    ...copySegments(name, { maxDurationSeconds: 60 }),
    `${name}/ffmpeg.m3u8`,
  ])
  await run('ffmpeg', ['-v', 'error', ...copyInput(verdict), '-i', source, ...outputs], { cwd: scratch })
  return {
    video: await readFragments(path.join(scratch, 'video')),
    audio: hasSound ? await readFragments(path.join(scratch, 'audio')) : [],
  }
}

async function readFragments(stream: string): Promise<Fragment[]> {
  const tracks = readInitSegment(await readFile(path.join(stream, 'init.mp4')))
  // Chromium ignores empty edits: a picture has none, and what sound has is not noticed.
  const [track] = tracks
  expect(track?.emptyEditSeconds).toBeLessThanOrEqual(track?.kind === 'video' ? 0 : AAC_FRAME_SECONDS)
  const names = (await readdir(stream)).filter(name => name.endsWith('.m4s')).sort()
  const segments = await Promise.all(names.map(name => readFile(path.join(stream, name))))
  return segments.map(segment => {
    const [fragment, another] = readMediaSegment(segment, tracks)
    if (!fragment || another) throw new Error('a segment has not one fragment')
    return fragment
  })
}

/** At the first keyframe at or after each two seconds. */
function cut(keyframeSeconds: number[]): number[] {
  const starts: number[] = []
  for (const seconds of keyframeSeconds) if (seconds >= starts.length * 2) starts.push(seconds)
  return starts
}

function requireNoGaps(fragments: Fragment[]): void {
  for (const [index, fragment] of fragments.entries()) {
    const next = fragments[index + 1]
    if (next) expect(next.baseDecodeTicks).toBe(fragment.baseDecodeTicks + fragment.durationTicks)
  }
}
