// Looks at what FFmpeg wrote, box by box, before anything names it: segments follow on each other,
// begin with an IDR, and agree across rungs. What it measures is what the playlists say.
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { readInitSegment, readMediaSegment, type Track } from '#media/bmff.ts'
import { bitrates, targetDuration } from '#media/playlist.ts'
import { INIT_SEGMENT } from './args.ts'
import { type Plan, soundsOf } from './plan.ts'

/** One stream as it really is. Durations in seconds, sizes in bytes. */
export interface MeasuredStream {
  /** its folder: v720, audio */
  name: string
  track: Track
  segments: { uri: string; durationSeconds: number; bytes: number }[]
  durationSeconds: number
  bytes: number
  peakBps: number
  averageBps: number
}

export interface MeasuredLadder {
  /** tallest first */
  video: MeasuredStream[]
  audio: MeasuredStream | null
  /** what is played with the low rung */
  lowAudio: MeasuredStream | null
  /** the target duration of every playlist */
  targetSeconds: number
}

type Stream = Omit<MeasuredStream, 'peakBps' | 'averageBps'>

/** FFmpeg ended well, but what it wrote would not play. */
export class Unplayable extends Error {}

/** @throws Unplayable naming stream and segment */
export async function measureLadder(
  scratch: string,
  plan: Plan,
  signal: AbortSignal,
): Promise<MeasuredLadder> {
  const video: Stream[] = []
  for (const rung of plan.rungs) {
    const stream = await measureStream(scratch, rung.name, signal)
    const { track } = stream
    if (track.kind !== 'video' || track.width !== rung.width || track.height !== rung.height) {
      throw new Unplayable(`${rung.name} is not ${rung.width}×${rung.height}`)
    }
    video.push(stream)
  }
  requireSameBoundaries(video)
  const [audio = null, lowAudio = null] = await measureSounds(scratch, plan, signal)
  // One for all streams (Apple 8.2). What a peak is depends on it.
  const all = [...video, audio, lowAudio].filter(stream => stream !== null)
  const targetSeconds = Math.max(...all.map(({ segments }) => targetDuration(segments)))
  const rated = (stream: Stream) => ({ ...stream, ...bitrates(stream.segments, targetSeconds) })
  return {
    video: video.map(rated),
    audio: audio && rated(audio),
    lowAudio: lowAudio && rated(lowAudio),
    targetSeconds,
  }
}

/** A source whose sound cannot be decoded at all leaves streams without a segment: play it silent. */
async function measureSounds(scratch: string, plan: Plan, signal: AbortSignal): Promise<Stream[]> {
  const streams: Stream[] = []
  for (const { name } of soundsOf(plan)) {
    const names = await readdir(path.join(scratch, name))
    if (names.some(isSegment)) streams.push(await measureStream(scratch, name, signal))
  }
  return streams
}

async function measureStream(scratch: string, name: string, signal: AbortSignal): Promise<Stream> {
  const folder = path.join(scratch, name)
  const uris = (await readdir(folder)).filter(isSegment).sort()
  if (uris.length === 0) throw new Unplayable(`${name} has no segment`)
  const init = await readFile(path.join(folder, INIT_SEGMENT))
  const [track, another] = readInitSegment(init)
  if (!track || another) throw new Unplayable(`${name} has not one track`)
  const segments: MeasuredStream['segments'] = []
  let nextTicks: number | null = null
  for (const uri of uris) {
    signal.throwIfAborted()
    const bytes = await readFile(path.join(folder, uri))
    const fragments = readMediaSegment(bytes, [track])
    const [first] = fragments
    if (!first) throw new Unplayable(`${name}/${uri} has no samples`)
    if (first.startsWithIdr === false) throw new Unplayable(`${name}/${uri} does not start with an IDR`)
    if (nextTicks !== null && first.baseDecodeTicks !== nextTicks) {
      throw new Unplayable(`${name}/${uri} starts at ${first.baseDecodeTicks}, not ${nextTicks}`)
    }
    const ticks = fragments.reduce((sum, fragment) => sum + fragment.durationTicks, 0)
    nextTicks = first.baseDecodeTicks + ticks
    segments.push({ uri, durationSeconds: ticks / track.timescale, bytes: bytes.length })
  }
  const mediaBytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  return {
    name,
    track,
    segments,
    durationSeconds: segments.reduce((sum, segment) => sum + segment.durationSeconds, 0),
    bytes: mediaBytes + init.length,
  }
}

/** A player changes rungs between segments: segment n must begin at the same time on each. */
function requireSameBoundaries([first, ...others]: Stream[]): void {
  if (!first) throw new Unplayable('no rung')
  for (const other of others) {
    const isSame =
      other.segments.length === first.segments.length &&
      other.segments.every((segment, index) => {
        const reference = first.segments[index]
        return reference && Math.abs(reference.durationSeconds - segment.durationSeconds) < 0.001
      })
    if (!isSame) throw new Unplayable(`segments of ${other.name} and ${first.name} begin at different times`)
  }
}

export async function sizeOf(scratch: string, name: string): Promise<number> {
  return (await stat(path.join(scratch, name))).size
}

function isSegment(name: string): boolean {
  return name.endsWith('.m4s')
}
