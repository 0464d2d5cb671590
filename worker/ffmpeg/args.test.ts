// The argv of every command, as pure values: nothing is run here.
import { describe, expect, test } from 'vitest'
import {
  captionsCommand,
  decodeCommand,
  evenSoundCommand,
  ladderCommand,
  loudnessCommand,
  mp4Command,
  posterCommand,
  posterSeconds,
  previewCommand,
  storyboardCommand,
} from './args.ts'
import { BT709 } from './colour.ts'
import { SOUND_IN_PLACE } from './loudness.ts'
import { fit } from './picture-filters.ts'
import { type Plan, planLadder } from './plan.ts'
import { planStoryboard } from './plan-extra.ts'
import { HOSTILE_INPUT } from './probe.ts'

const SOURCE = '/storage/sources/x'
const SCRATCH = '/scratch/token'
const IN_BT709 =
  'out_color_matrix=bt709:out_range=tv,format=yuv420p,' +
  'setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv'
const frameRate = { num: 30000, den: 1001 }
const video = {
  index: 1,
  codec: 'h264',
  width: 854,
  height: 480,
  rotation: 0,
  pixelFormat: 'yuv420p',
  colour: BT709,
  frameRate,
}
const audio = { index: 0, codec: 'aac', channels: 2 }
const limits = { ladder: [480, 240], maxDurationSeconds: 60 }
const plan: Plan = planLadder({ format: 'mov', durationSeconds: 10, video, audio }, limits)
const silentPlan: Plan = { ...plan, audioIndex: null, sounds: [] }

describe('the ladder', () => {
  const args = argv(ladderCommand(SOURCE, SCRATCH, plan))
  const outputs = outputsOf(args)

  test('writes each rung and the sound, and nothing else', () => {
    expect(outputs.map(output => output.at(-1))).toEqual([
      'v480/ffmpeg.m3u8',
      'v240/ffmpeg.m3u8',
      'low/ffmpeg.m3u8',
      'audio/ffmpeg.m3u8',
      'audio-low/ffmpeg.m3u8',
    ])
    expect(outputsOf(argv(ladderCommand(SOURCE, SCRATCH, silentPlan)))).toHaveLength(3)
  })

  test('keeps timestamps, metadata and length in hand on each output', () => {
    for (const output of outputs) {
      expect(option(output, '-avoid_negative_ts')).toBe('disabled')
      expect(option(output, '-map_metadata')).toBe('-1')
      expect(option(output, '-map_chapters')).toBe('-1')
      expect(option(output, '-t')).toBe('61')
      expect(option(output, '-hls_segment_type')).toBe('fmp4')
    }
  })

  test('decodes once and puts keyframes at the same times on each rung', () => {
    expect(args.filter(arg => arg === '-i')).toHaveLength(1)
    expect(option(args, '-filter_complex')).toBe(
      '[0:1]fps=30000/1001:start_time=0,trim=end=61,setparams=colorspace=bt709:range=tv,split=3[s0][s1][s2];' +
        `[s0]${fit(video, { width: 854, height: 480 }, IN_BT709)},setsar=1[v0];` +
        `[s1]${fit(video, { width: 428, height: 240 }, IN_BT709)},setsar=1[v1];` +
        `[s2]${fit(video, { width: 320, height: 180 }, IN_BT709)},setsar=1[v2];` +
        `[0:0]${SOUND_IN_PLACE},asplit=2[a][a1]`,
    )
    const rungs = outputs.slice(0, 3)
    expect(rungs.map(output => option(output, '-preset'))).toEqual(['veryfast', 'faster', 'medium'])
    expect(rungs.map(output => option(output, '-rc-lookahead'))).toEqual([undefined, '40', undefined])
    for (const output of rungs) {
      expect(option(output, '-force_key_frames')).toBe('expr:gte(t,n_forced*2)')
      expect(option(output, '-sc_threshold')).toBe('0')
    }
    expect(rungs.map(output => option(output, '-maxrate'))).toEqual(
      plan.rungs.map(rung => String(rung.maxBps)),
    )
  })
})

describe("before every stranger's input", () => {
  test.each([
    ['ladder', ladderCommand(SOURCE, SCRATCH, plan)],
    ['decode', decodeCommand(SOURCE, SCRATCH, plan)],
    ['measuring of loudness', loudnessCommand(SOURCE, SCRATCH, plan)],
    ['evening of sound', evenSoundCommand(SOURCE, SCRATCH, plan)],
    [
      'captions',
      captionsCommand(SOURCE, SCRATCH, new Map([[0, { index: 2, language: null, label: 'Captions' }]])),
    ],
  ])('%s says which protocols and formats may be read', (_, command) => {
    const args = argv(command)
    const before = args.slice(0, args.indexOf('-i'))
    expect(args[args.indexOf('-i') + 1]).toBe(SOURCE)
    expect(before.join(' ')).toContain(HOSTILE_INPUT.join(' '))
    expect(option(before, '-protocol_whitelist')).toBe('file')
  })

  test('formats that open further files or hosts are not among them', () => {
    const formats = option(HOSTILE_INPUT, '-format_whitelist')?.split(',') ?? []
    expect(formats).toContain('mov')
    const followers = [
      'hls',
      'concat',
      'concatf',
      'sdp',
      'rtsp',
      'dash',
      'image2',
      'tee',
      'lavfi',
      'ffmetadata',
    ]
    for (const format of followers) expect(formats).not.toContain(format)
  })
})

describe('the MP4 and the poster', () => {
  test('are made of what we wrote, and leave nothing of the source in', () => {
    const args = argv(mp4Command(SCRATCH, plan))
    expect(args.filter((_, index) => args[index - 1] === '-i')).toEqual([
      'v480/ffmpeg.m3u8',
      'audio/ffmpeg.m3u8',
    ])
    expect(option(args, '-c')).toBe('copy')
    expect(option(args, '-movflags')).toBe('+faststart')
    expect(option(args, '-avoid_negative_ts')).toBe('disabled')
    expect(option(args, '-map_metadata')).toBe('-1')
    expect(argv(mp4Command(SCRATCH, silentPlan)).filter(arg => arg === '-i')).toHaveLength(1)
    const still = { input: 'video.mp4', size: plan.poster, atSeconds: posterSeconds(3), colour: BT709 }
    const poster = argv(posterCommand(SCRATCH, still))
    expect(option(poster, '-i')).toBe('video.mp4')
    expect(option(poster, '-filter_complex')).toMatch(/]scale=854:480:.*]scale=16:9:/)
    expect(option(poster, '-ss')).toBe('0.300')
    expect([60, 0.5].map(posterSeconds)).toEqual([1, 0])
    expect(poster.indexOf('-ss')).toBeLessThan(poster.indexOf('-i'))
    expect(option(poster, '-map_metadata')).toBe('-1')
  })
})

describe('preview and storyboard', () => {
  const size = { width: 426, height: 240 }
  const inputs = ['moment0.mp4', 'moment1.mp4']
  const preview = argv(
    previewCommand(SCRATCH, { inputs, seconds: [1, 2], size, quality: 30, fps: 8, scale: 1 }),
  )
  const storyboard = argv(storyboardCommand(SCRATCH, planStoryboard([2, 2, 1], size)))

  test('the preview is each moment for its time, without sound, for ever', () => {
    expect(preview.flatMap((arg, index) => (arg === '-t' ? [preview[index + 1]] : []))).toEqual(['1', '2'])
    expect(option(preview, '-filter_complex')).toBe(
      '[0:v]fps=8[m0];[1:v]fps=8[m1];[m0][m1]concat=n=2,setparams=colorspace=bt709:range=tv,' +
        'scale=426:240:flags=bicubic+accurate_rnd+full_chroma_int:out_color_matrix=bt601:out_range=tv,' +
        'format=yuv420p,setsar=1[preview]',
    )
    expect([option(preview, '-map'), option(preview, '-loop'), option(preview, '-q:v')]).toEqual([
      '[preview]',
      '0',
      '30',
    ])
  })

  test('the storyboard decodes keyframes only', () => {
    const before = storyboard.slice(0, storyboard.indexOf('-i'))
    expect(option(before, '-skip_frame')).toBe('nokey')
    expect(option(storyboard, '-vf')).toMatch(/,scale=160:90:.*,setsar=1,tile=3x1$/)
  })

  test.each([
    ['preview', preview],
    ['storyboard', storyboard],
  ])('%s reads files only, and takes damage for an error', (_, args) => {
    const before = args.slice(0, args.indexOf('-i'))
    expect(option(before, '-protocol_whitelist')).toBe('file')
    expect(before).toContain('-xerror')
  })
})

test('no command has an address outside of its folder but the source', () => {
  for (const command of [
    ladderCommand(SOURCE, SCRATCH, plan),
    mp4Command(SCRATCH, plan),
    posterCommand(SCRATCH, { input: 'video.mp4', size: plan.poster, atSeconds: 1, colour: BT709 }),
    decodeCommand(SOURCE, SCRATCH, plan),
    storyboardCommand(SCRATCH, planStoryboard([2], { width: 426, height: 240 })),
  ]) {
    const outside = argv(command).filter(
      arg => arg.startsWith('/') || arg.includes('..') || arg.includes('://'),
    )
    expect(outside.filter(arg => arg !== SOURCE)).toEqual([])
  }
})

function argv(command: object): string[] {
  // fluent-ffmpeg has no public way to see the arguments without a run.
  if (!('_getArguments' in command) || typeof command._getArguments !== 'function')
    throw new Error('no arguments')
  return command._getArguments().map(String)
}

function option(args: string[], name: string): string | undefined {
  return args.includes(name) ? args[args.indexOf(name) + 1] : undefined
}

/** Splits what follows the inputs at each output's path. */
function outputsOf(args: string[]): string[][] {
  const outputs: string[][] = []
  let current: string[] = []
  for (const arg of args.slice(args.indexOf('-filter_complex') + 2)) {
    current.push(arg)
    if (arg.endsWith('/ffmpeg.m3u8')) {
      outputs.push(current)
      current = []
    }
  }
  return outputs
}
