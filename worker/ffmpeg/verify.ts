// Looks at what FFmpeg wrote, box by box, before anything names it: segments follow on each other,
// begin with an IDR, and agree across rungs. What it measures is what the playlists say.
import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import type { PublishedStream, Segment } from '#db/publish.ts'
import { readInitSegment, readMediaSegment, type Track } from '#media/bmff.ts'
import { BmffError, isCutShort } from '#media/bmff-boxes.ts'
import { bitrates, targetDuration } from '#media/playlist.ts'
import { VideoError, WorldError } from '../errors.ts'
import { readScratch } from '../scratch-files.ts'
import { INIT_SEGMENT } from './args.ts'
import { BEYOND_SECONDS, beyond, type Plan, type Rung } from './plan.ts'

/** One stream as it really is. Durations in seconds, sizes in bytes. */
export interface MeasuredStream {
  /** its folder: v720, audio */
  name: string
  track: Track
  segments: Segment[]
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
  /** why a sound is not among them, where FFmpeg wrote something all the same */
  soundFault: Unplayable | null
}

/** FFmpeg ended well, but what it wrote would not play. */
export class Unplayable extends Error {}

/** FFmpeg ended well, but not all that it wrote came to the disk. */
export class CutShort extends WorldError {
  constructor(file: string, options?: ErrorOptions) {
    super('cut_short', `${file} is not whole: was the disk full?`, options)
  }
}

/**
 * @param pictureSeconds how much of each rung FFmpeg encoded, null when that is not known
 * @throws Unplayable naming stream and segment, CutShort
 */
export async function measureLadder(
  scratch: string,
  { plan, pictureSeconds }: { plan: Plan; pictureSeconds: number | null },
  signal: AbortSignal,
): Promise<MeasuredLadder> {
  const video: MeasuredStream[] = []
  for (const rung of plan.rungs) {
    const stream = await measurePicture(scratch, rung, signal)
    const lost = (pictureSeconds ?? 0) - stream.durationSeconds
    if (lost > MISSING_SECONDS) throw new CutShort(`${rung.name}, which lacks ${lost.toFixed(1)} s,`)
    video.push(stream)
  }
  requireSameBoundaries(video)
  const { sounds, soundFault } = await measureSounds(scratch, plan, signal)
  const [audio = null, lowAudio = null] = sounds
  // One for all streams (Apple 8.2). What a peak is depends on it.
  const all = [...video, audio, lowAudio].filter(stream => stream !== null)
  const targetSeconds = Math.max(...all.map(({ segments }) => targetDuration(segments)))
  const rated = (stream: MeasuredStream) => ({ ...stream, ...bitrates(stream.segments, targetSeconds) })
  return {
    video: video.map(rated),
    audio: audio && rated(audio),
    lowAudio: lowAudio && rated(lowAudio),
    targetSeconds,
    soundFault,
  }
}

async function measurePicture(scratch: string, rung: Rung, signal: AbortSignal): Promise<MeasuredStream> {
  const stream = await measureStream(scratch, rung.name, signal)
  const { track } = stream
  if (track.kind !== 'video' || track.width !== rung.width || track.height !== rung.height) {
    throw new Unplayable(`${rung.name} is not ${rung.width}×${rung.height}`)
  }
  return stream
}

/** One rung that is to be played beside published streams. @throws Unplayable */
export async function measureRung(
  scratch: string,
  rung: Rung,
  published: PublishedStream[],
  signal: AbortSignal,
): Promise<{ stream: MeasuredStream; targetSeconds: number }> {
  const stream = await measurePicture(scratch, rung, signal)
  const others = published.map(({ key, ...other }) => ({ ...other, name: key }))
  requireSameBoundaries([stream, ...others.filter(({ kind }) => kind === 'video')])
  const targetSeconds = Math.max(...[stream, ...others].map(({ segments }) => targetDuration(segments)))
  return { stream: { ...stream, ...bitrates(stream.segments, targetSeconds) }, targetSeconds }
}

// A segment's type, and nothing of it.
const STYP_BYTES = 24

/**
 * A source whose sound cannot be decoded at all leaves streams without a segment, or with an empty one. No
 * sound that does not play is a reason to do without the picture.
 */
async function measureSounds(scratch: string, plan: Plan, signal: AbortSignal) {
  const sounds: MeasuredStream[] = []
  let soundFault: Unplayable | null = null
  for (const { name } of plan.sounds) {
    const [first] = (await readdir(path.join(scratch, name))).filter(isSegment).sort()
    if (!first || (await sizeOf(scratch, `${name}/${first}`)) <= STYP_BYTES) continue
    try {
      sounds.push(await measureStream(scratch, name, signal))
    } catch (error) {
      if (!(error instanceof Unplayable)) throw error
      soundFault = error
    }
  }
  return { sounds, soundFault }
}

async function measureStream(scratch: string, name: string, signal: AbortSignal): Promise<MeasuredStream> {
  const meter = new Meter(scratch, name)
  for (const uri of (await readdir(path.join(scratch, name))).filter(isSegment).sort()) {
    signal.throwIfAborted()
    await meter.add(uri)
  }
  return meter.measured()
}

/** One stream, looked at segment by segment, as soon as each is there. */
export class Meter {
  readonly segments: Segment[] = []
  readonly #name: string
  readonly #scratch: string
  #track: Track | null = null
  #initBytes = 0
  #nextTicks: number | null = null

  constructor(scratch: string, name: string) {
    this.#name = name
    this.#scratch = scratch
  }

  /** @param targetSeconds that a list which says so cannot take back @throws Unplayable naming stream and segment */
  async add(uri: string, targetSeconds?: number): Promise<void> {
    const name = this.#name
    this.#track ??= await this.#readInit()
    const bytes = await readScratch(this.#scratch, `${name}/${uri}`)
    const fragments = readable(`${name}/${uri}`, 'mdat', readMediaSegment, bytes, [this.#track])
    const [first] = fragments
    if (!first) throw new Unplayable(`${name}/${uri} has no samples`)
    if (first.startsWithIdr === false) throw new Unplayable(`${name}/${uri} does not start with an IDR`)
    if (this.#nextTicks !== null && first.baseDecodeTicks !== this.#nextTicks) {
      throw new Unplayable(`${name}/${uri} starts at ${first.baseDecodeTicks}, not ${this.#nextTicks}`)
    }
    const ticks = fragments.reduce((sum, fragment) => sum + fragment.durationTicks, 0)
    const durationSeconds = ticks / this.#track.timescale
    if (targetSeconds !== undefined && Math.round(durationSeconds) > targetSeconds) {
      throw new Unplayable(`${name}/${uri} lasts ${durationSeconds} s, more than ${targetSeconds}`)
    }
    this.#nextTicks = first.baseDecodeTicks + ticks
    this.segments.push({ uri, durationSeconds, bytes: bytes.length })
  }

  /** @param targetSeconds what a peak is depends on it @throws Unplayable when there is no segment */
  measured(targetSeconds = targetDuration(this.segments)): MeasuredStream {
    const { segments } = this
    if (!this.#track || segments.length === 0) throw new Unplayable(`${this.#name} has no segment`)
    return {
      ...{ name: this.#name, track: this.#track, segments },
      durationSeconds: segments.reduce((sum, segment) => sum + segment.durationSeconds, 0),
      bytes: segments.reduce((sum, segment) => sum + segment.bytes, this.#initBytes),
      ...bitrates(segments, targetSeconds),
    }
  }

  async #readInit(): Promise<Track> {
    const init = await readScratch(this.#scratch, `${this.#name}/${INIT_SEGMENT}`)
    const [track, another] = readable(`${this.#name}/${INIT_SEGMENT}`, 'moov', readInitSegment, init)
    if (!track || another) throw new Unplayable(`${this.#name} has not one track`)
    if (track.emptyEditSeconds > MAX_EMPTY_SECONDS) {
      throw new Unplayable(`${this.#name} begins ${track.emptyEditSeconds} s late, which players ignore`)
    }
    this.#initBytes = init.length
    return track
  }
}

// A picture at 24 a second.
const MAX_EMPTY_SECONDS = 0.042

/** @param lastType of the boxes that FFmpeg writes into such a file */
function readable<Args extends unknown[], Result>(
  file: string,
  lastType: 'moov' | 'mdat',
  read: (bytes: Buffer, ...args: Args) => Result,
  bytes: Buffer,
  ...args: Args
): Result {
  try {
    return read(bytes, ...args)
  } catch (error) {
    if (!(error instanceof BmffError)) throw error
    if (isCutShort(bytes, lastType)) {
      throw new CutShort(file, { cause: error })
    }
    throw new Unplayable(`${file}: ${error.message}`, { cause: error })
  }
}

/** A player changes rungs between segments: segment n must begin at the same time on each. */
function requireSameBoundaries([first, ...others]: Pick<MeasuredStream, 'name' | 'segments'>[]): void {
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

// A container may round, or count a last frame that cannot be decoded; a cut file misses far more.
const MISSING_SECONDS = 0.5
const MISSING_SHARE = 0.05

/** @throws VideoError when the source ended long before it said that it would, or goes on beyond what is allowed */
export function requireWhole(
  { video: [top], audio }: Pick<MeasuredLadder, 'video' | 'audio'>,
  plan: Pick<Plan, 'durationSeconds' | 'isLongestDuration' | 'maxDurationSeconds' | 'hasFewBytes'>,
): void {
  if (!top) return
  if (top.durationSeconds > plan.maxDurationSeconds + BEYOND_SECONDS / 2) throw beyond(plan)
  const { durationSeconds: expectedSeconds } = plan
  if (expectedSeconds === null) return
  const ofSound = plan.isLongestDuration ? (audio?.durationSeconds ?? 0) : 0
  const missing = expectedSeconds - Math.max(top.durationSeconds, ofSound)
  if (missing > Math.max(MISSING_SECONDS, expectedSeconds * MISSING_SHARE)) {
    throw new VideoError(
      'truncated',
      `The file is incomplete: it ends after ${top.durationSeconds.toFixed(1)} of ${expectedSeconds.toFixed(1)} seconds. Upload the whole file.`,
    )
  }
}

export async function sizeOf(scratch: string, name: string): Promise<number> {
  return (await lstat(path.join(scratch, name))).size
}

function isSegment(name: string): boolean {
  return name.endsWith('.m4s')
}
