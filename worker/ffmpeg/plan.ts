// Facts → what to make. Pure: every decision about sizes, rates and bit rates is here and is tested
// as a table.
import { VideoError } from '../errors.ts'
import type { Facts, Fraction } from './facts.ts'
import { MAX_SILENCE_SECONDS } from './loudness.ts'

/** Part of every attempt's row: change it whenever the same source would give other files. */
export const RECIPE = 'h264-bt709-capped-crf-2s-lufs14-6'

export const SEGMENT_SECONDS = 2
export const AUDIO_BPS = 128_000

// One variant of at most 192 kbit/s at its peak (Apple 9.21; docs/decisions/0007-192-kbit.md).
const LOW = { name: 'low', shortSide: 180, maxBps: 80_000 }
const SOUND = { name: 'audio', bps: AUDIO_BPS }
const LOW_SOUND = { name: 'audio-low', bps: 64_000 }

export interface Rung {
  /** also its folder in the attempt */
  name: string
  width: number
  height: number
  maxBps: number
}

export interface Plan {
  videoIndex: number
  audioIndex: number | null
  /** as it is shown: where a side is odd, the rung of its size has a pixel more */
  source: Pick<Facts['video'], 'width' | 'height' | 'colour'>
  frameRate: Fraction
  /** tallest first, none scaled up, the low one last */
  rungs: Rung[]
  /** best first; none of a silent video */
  sounds: Sound[]
  /** the source has sound, and none that can be decoded */
  isSoundLost: boolean
  /** nothing turns it: its filters can take pictures of another size */
  isUpright: boolean
  /** in scratch, the sound in one form: what changes its own on the way, FFmpeg begins again at 0 */
  soundFile: string | null
  /** that brings the sound to the loudness of all; null leaves it as it is */
  gainDb: number | null
  /** expected, when the container says */
  durationSeconds: number | null
  /** that is how long picture or sound lasts, whichever is longer */
  isLongestDuration?: boolean
  /** what the whole ladder has to do, in megapixels; null when the container does not say how long it is */
  work: number | null
  /** the most that is allowed: what claims nothing is measured when it is made */
  maxDurationSeconds: number
  /** that is what the file's bytes allow, which is less than the operator does */
  hasFewBytes?: boolean
  /** name of the rung that the MP4 is remuxed from */
  mp4Rung: string
  poster: { width: number; height: number }
}

interface Sound {
  /** also its folder in the attempt */
  name: string
  bps: number
}

interface Limits {
  /** heights by the short side, tallest first */
  ladder: number[]
  maxDurationSeconds: number
}

// A rung between the source and the next height down is worth its bytes from this ratio on.
const WORTH_A_RUNG = 1.2
/** Less than this is no moving picture: a container that claims it lies about its duration. */
export const LEAST_BITS_PER_SECOND = 500
/** 8K, with a little room; a picture of more takes memory that other videos need. */
export const MAX_PIXELS = 36_000_000
// x264's own.
const MAX_SIDE = 16_384
/** What is made ends so much beyond the allowed length: that it goes on is seen, and nothing is cut off in silence. */
export const BEYOND_SECONDS = 1
const MP4_SHORT_SIDE = 720
const START_SHORT_SIDE = 480
// Of a source: twice what players show, so much phones take for slow motion.
const MAX_SOURCE_FPS = 240
// Beside encoding it, what a pixel costs to decode and scale.
const DECODING = 0.3
// x264's caps for 16:9 at up to 30 frames a second, by the short side; other shapes in proportion.
const CAPS: [shortSide: number, bps: number][] = [
  [1080, 5_000_000],
  [720, 2_800_000],
  [480, 1_400_000],
  [360, 800_000],
  [240, 400_000],
]
const REFERENCE_SHAPE = 16 / 9
const FAST_MOTION_FPS = 31
const FAST_MOTION_FACTOR = 1.5

/** @throws VideoError when the video is longer, or begins later, than the operator allows, or has more pixels or pictures than we do */
export function planLadder(facts: Facts, limits: Limits): Plan {
  const { video, audio, durationSeconds } = facts
  if (durationSeconds !== null && durationSeconds > limits.maxDurationSeconds) {
    throw tooLong(durationSeconds, limits.maxDurationSeconds)
  }
  const isTooLong = Math.max(video.width, video.height) > MAX_SIDE
  if (isTooLong || video.width * video.height > MAX_PIXELS) throw tooManyPixels(video.width, video.height)
  const maxFrames = limits.maxDurationSeconds * MAX_SOURCE_FPS
  if ((facts.frames ?? 0) > maxFrames) {
    throw new VideoError(
      'too_many_frames',
      `The video has ${facts.frames} pictures; at most ${maxFrames} are allowed. Lower its frame rate, or cut it, and upload it again.`,
    )
  }
  const mostSeconds = facts.mostSeconds ?? Number.POSITIVE_INFINITY
  const limit: Limit = {
    maxDurationSeconds: Math.min(limits.maxDurationSeconds, mostSeconds),
    ...(mostSeconds < limits.maxDurationSeconds && { hasFewBytes: true }),
  }
  // Until then its first picture would stand, and be encoded.
  if ((facts.startSeconds ?? 0) > limit.maxDurationSeconds) throw beyond(limit)
  if ((facts.soundStartSeconds ?? 0) > MAX_SILENCE_SECONDS) throw startsTooLate()
  const sides = shortSides(evenAbove(Math.min(video.width, video.height)), limits.ladder)
  const rungs = sides.map(side => rungOf(facts, side))
  const all = [...rungs, lowRung(facts, Math.min(LOW.shortSide, ...sides))]
  return {
    videoIndex: video.index,
    source: { width: video.width, height: video.height, colour: video.colour },
    audioIndex: audio?.index ?? null,
    frameRate: video.frameRate,
    rungs: all,
    sounds: audio ? [SOUND, LOW_SOUND] : [],
    isSoundLost: facts.isSoundLost ?? false,
    isUpright: facts.isUpright ?? false,
    soundFile: null,
    gainDb: null,
    durationSeconds,
    isLongestDuration: facts.isLongestDuration ?? false,
    work: ladderWork(facts, all),
    ...limit,
    ...still(rungs),
  }
}

/** What the MP4 and the poster are made of, of what is there. */
function still(rungs: Rung[]): Pick<Plan, 'mp4Rung' | 'poster'> {
  const rung = rungs.find(({ width, height }) => Math.min(width, height) <= MP4_SHORT_SIDE) ?? rungs.at(-1)
  if (!rung) throw new Error('a plan without a rung')
  return { mp4Rung: rung.name, poster: { width: rung.width, height: rung.height } }
}

/** The same without some of its streams; one rung has to be left. */
export function planWithout(plan: Plan, names: string[]): Plan {
  const isLeft = ({ name }: { name: string }) => !names.includes(name)
  const rungs = plan.rungs.filter(isLeft)
  return { ...plan, rungs, sounds: plan.sounds.filter(isLeft), ...still(rungs) }
}

export interface Encoding {
  preset: string
  crf: number
  /** frames; null leaves it to the preset */
  lookahead: number | null
}

// By the short side, from it on; measured: docs/decisions/0008-crf-per-rung.md. Where a picture is
// small, time is cheap: a slower preset pays for a higher CRF, bytes go and SSIM stays.
const ENCODINGS: [shortSide: number, encoding: Encoding][] = [
  [480, { preset: 'veryfast', crf: 23, lookahead: null }],
  [360, { preset: 'faster', crf: 25.6, lookahead: 40 }],
  [0, { preset: 'faster', crf: 25.2, lookahead: 40 }],
]
// At its cap nearly always: only the preset counts.
const LOW_ENCODING: Encoding = { preset: 'medium', crf: 23, lookahead: null }

export function encodingOf(rung: Rung): Encoding {
  const shortSide = Math.min(rung.width, rung.height)
  const [, encoding] = ENCODINGS.find(([from]) => shortSide >= from) ?? [0, LOW_ENCODING]
  return isLow(rung) ? LOW_ENCODING : encoding
}

// What a smaller picture has to save to be worth its place.
const WORTH_ITS_BYTES = 0.95

/**
 * Which of the rungs, tallest first, are published once their rates are known. One that needs 95 % of
 * what the next taller one needs, or more, adds nothing: who can fetch it can fetch that. Always there:
 * the tallest; the tallest of at most 480 lines, which players begin with; the low one.
 */
export function worthPublishing<Made extends Pick<Rung, 'name'> & { averageBps: number }>(
  made: Made[],
  { rungs }: Pick<Plan, 'rungs'>,
): Made[] {
  const start = rungs.find(({ width, height }) => Math.min(width, height) <= START_SHORT_SIDE)
  const kept: Made[] = []
  for (const rung of made) {
    const above = kept.at(-1)
    const isNeeded = rung.name === start?.name || isLow(rung)
    if (!above || isNeeded || rung.averageBps < above.averageBps * WORTH_ITS_BYTES) kept.push(rung)
  }
  return kept
}

/** Is played with a sound of its own. */
export function isLow({ name }: { name: string }): boolean {
  return name === LOW.name
}

/**
 * How much the ladder is to make, for comparing how long ladders take: megapixels of all rungs, and
 * less for those of the source, which are only decoded.
 */
function ladderWork({ video, durationSeconds }: Facts, rungs: Rung[]): number | null {
  if (durationSeconds === null) return null
  const { num, den } = video.frameRate
  const perPicture = rungs.reduce((sum, rung) => sum + pixelsOf(rung), pixelsOf(video) * DECODING)
  return (perPicture * durationSeconds * num) / den / 1e6
}

export function pixelsOf({ width, height }: { width: number; height: number }): number {
  return width * height
}

/** The ladder's heights up to the source, and the source's own where it stands clearly between. */
function shortSides(source: number, ladder: number[]): number[] {
  const below = ladder.filter(side => side <= source)
  const top = ladder[0] ?? source
  const highest = below[0]
  if (highest === undefined) return [source]
  if (source < top && source / highest >= WORTH_A_RUNG) return [source, ...below]
  return below
}

export function rungOf({ video }: Facts, shortSide: number): Rung {
  const isPortrait = video.height > video.width
  const [short, long] = [Math.min(video.width, video.height), Math.max(video.width, video.height)]
  const shape = long / short
  const longSide = shortSide < short ? Math.min(even(shortSide * shape), evenAbove(long)) : evenAbove(long)
  const fps = video.frameRate.num / video.frameRate.den
  return {
    name: `v${shortSide}`,
    width: isPortrait ? shortSide : longSide,
    height: isPortrait ? longSide : shortSide,
    maxBps: capBps(shortSide, shape, fps),
  }
}

function lowRung(facts: Facts, shortSide: number): Rung {
  return { ...rungOf(facts, shortSide), name: LOW.name, maxBps: LOW.maxBps }
}

function capBps(shortSide: number, shape: number, fps: number): number {
  const [referenceSide, bps] = CAPS.find(([side]) => side <= shortSide) ?? CAPS.at(-1) ?? [240, 400_000]
  const pixels = (shortSide / referenceSide) ** 2 * (shape / REFERENCE_SHAPE)
  const motion = fps > FAST_MOTION_FPS ? FAST_MOTION_FACTOR : 1
  return Math.max(100_000, Math.round((bps * pixels * motion) / 1000) * 1000)
}

/** x264 refuses odd sizes in 4:2:0. */
function even(size: number): number {
  return Math.max(2, Math.round(size / 2) * 2)
}

export function evenAbove(size: number): number {
  return Math.ceil(size / 2) * 2
}

export function tooManyPixels(width: number, height: number): VideoError {
  return new VideoError(
    'too_many_pixels',
    `The picture has ${width} × ${height} pixels; at most 8K is allowed. Scale it down and upload it again.`,
  )
}

function startsTooLate(): VideoError {
  return new VideoError(
    'starts_too_late',
    `The sound begins more than ${clock(MAX_SILENCE_SECONDS)} after the video. Export it with silence up to there, or without sound, and upload it again.`,
  )
}

/** What a kilobyte does that shows one picture for an hour. */
function tooFewBytes(seconds: number): VideoError {
  return new VideoError(
    'too_few_bytes',
    `The video goes on beyond ${clock(seconds)}, which is longer than a file of its size can last: at least ${LEAST_BITS_PER_SECOND} bits are needed for a second. Export it again and upload that.`,
  )
}

/** What is made goes on beyond what is allowed. */
export function beyond({ maxDurationSeconds, hasFewBytes }: Limit): VideoError {
  return hasFewBytes ? tooFewBytes(maxDurationSeconds) : tooLong(null, maxDurationSeconds)
}
type Limit = Pick<Plan, 'maxDurationSeconds' | 'hasFewBytes'>

/** @param seconds null when it is only known to be more */
export function tooLong(seconds: number | null, maxSeconds: number): VideoError {
  const length = seconds === null ? `more than ${clock(maxSeconds)}` : clock(seconds)
  return new VideoError(
    'too_long',
    `The video lasts ${length}; at most ${clock(maxSeconds)} is allowed. Cut it and upload it again.`,
  )
}

function clock(seconds: number): string {
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}
