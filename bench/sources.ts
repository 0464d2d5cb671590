// What people upload, for bench/playable.ts: the scenes of bench/clip.ts as phones and programs write
// them, a keyframe each two seconds at the latest.

import { getClip, makeFile } from './clip.ts'
import type { BenchContext } from './context.ts'

const H264 = h264(8)
const HEVC = [
  ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=60:log-level=error'],
  ...['-tag:v', 'hvc1', '-c:a', 'copy'],
]
const HLG = [
  ...['-pix_fmt', 'yuv420p10le', '-color_trc', 'arib-std-b67', '-color_primaries', 'bt2020'],
  ...['-colorspace', 'bt2020nc'],
]
const ROTATED = ['-c', 'copy', '-metadata:s:v:0', 'rotate=90']

const RECIPES = {
  'H.264 10 s': { of: 'scenes', seconds: 10, args: H264 },
  'H.264 60 s': { of: 'H.264 10 s', times: 6 },
  'H.264 10 min': { of: 'H.264 10 s', times: 60 },
  'H.264 30 s': { of: 'scenes', seconds: 30, args: H264 },
  'H.264 at 17 Mbit/s, 10 s': { of: 'scenes', seconds: 10, args: h264(17) },
  'H.264 portrait by rotation, 30 s': { of: 'H.264 30 s', args: ROTATED },
  'HEVC 10 s': { of: 'scenes', seconds: 10, args: HEVC },
  'HEVC 60 s': { of: 'HEVC 10 s', times: 6 },
  'HEVC 10 min': { of: 'HEVC 10 s', times: 60 },
  'HEVC HLG 30 s': { of: 'scenes', seconds: 30, args: [...HEVC, ...HLG] },
  'HEVC 10-bit HLG portrait, 30 s': { of: 'HEVC HLG 30 s', args: ROTATED },
  'HEVC 4K30, 15 s': { of: 'scenes', seconds: 15, args: ['-vf', 'scale=3840:2160', ...HEVC] },
} as const satisfies Record<string, Recipe>
export type SourceName = keyof typeof RECIPES

interface Recipe {
  of: string
  seconds?: number
  /** the same again and again, without encoding it again */
  times?: number
  args?: readonly string[]
}

function h264(mbps: number) {
  return [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-b:v', `${mbps}M`, '-maxrate', `${mbps + 2}M`],
    ...['-bufsize', `${mbps * 2}M`, '-g', '60', '-c:a', 'copy'],
  ]
}

/** @returns the file's path; made once, and kept */
export async function getSource(context: BenchContext, name: SourceName): Promise<string> {
  const { of, seconds, times, args = ['-c', 'copy'] }: Recipe = RECIPES[name]
  const from =
    of === 'scenes' ? await getClip(context, { seconds: 30 }) : await getSource(context, of as SourceName)
  const loop = times ? ['-stream_loop', String(times - 1)] : []
  const cut = seconds ? ['-t', String(seconds)] : []
  return makeFile(context, name.replaceAll(/[^\w]+/g, '-'), [...loop, '-i', from, ...cut, ...args])
}
