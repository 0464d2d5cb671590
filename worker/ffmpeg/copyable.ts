// Decides whether the picture of a source can be cut into HLS by stream copy for every player: from
// its index, and the first bytes of its keyframes. Reads nothing else of the file and runs nothing.
import { type FileHandle, open } from 'node:fs/promises'
import { readTimescale } from '#media/bmff.ts'
import { BmffError, only } from '#media/bmff-boxes.ts'
import type { AvcEntry } from '#media/bmff-codec.ts'
import { readBeginning } from '#media/first-slice.ts'
import {
  type Movie,
  type MovieTrack,
  readEdits,
  readMoov,
  readMovie,
  readSampleTableBoxes,
} from '#media/movie.ts'
import { bitrates, targetDuration } from '#media/playlist.ts'
import { readSampleTable, type SampleTable } from '#media/sample-table.ts'
import { requirePlainPicture } from './copy-format.ts'
import { type CopyRefusal, demand, Refusal } from './copy-refusal.ts'
import { isInTime, judgeSound } from './copy-sound.ts'
import { cutAtKeyframes, readTimeline, requireOrder, requireSteadyRate } from './copy-times.ts'
import type { Facts } from './facts.ts'

/** A source whose picture every player takes as it is. */
export interface Copyable {
  /** sound that not every player takes, or that is not in time, is encoded; no sound is copied well */
  copies: 'picture and sound' | 'picture'
  /** where segments may begin: when the IDRs are shown, in seconds; the first is 0 */
  keyframeSeconds: number[]
  /** when the first picture is shown in the file's own time; copyInput moves it to 0 */
  startSeconds: number
  /** whole seconds, for EXT-X-TARGETDURATION when cut at the first keyframe at or after each 2 s */
  targetSeconds: number
  /** of the picture */
  durationSeconds: number
  /** of the picture's samples, without boxes; peak as EXT-X-STREAM-INF means it, with that cut */
  averageBps: number
  peakBps: number
  /** of the sound, where it is copied */
  sound: { averageBps: number; peakBps: number } | null
}

export interface NotCopyable {
  reason: CopyRefusal
  /** for the log */
  detail: string
}

// Too much for a first rung that everybody gets.
const MAX_AVERAGE_BPS = 12_000_000
const MAX_PEAK_BPS = 36_000_000
// More often than any camera has them each would have to be looked at.
const MAX_KEYFRAMES_A_SECOND = 5
// What the sound before the first picture may last: it is cut off, as the picture begins at 0.
const MAX_LATE_SECONDS = 0.1
const PARALLEL_READS = 8
const IDR = 5

/** @throws only what opening and reading the file throws, and the signal's reason */
export async function judgeCopy(
  file: string,
  facts: Facts,
  signal?: AbortSignal,
): Promise<Copyable | NotCopyable> {
  try {
    demand(facts.format.split(',').includes('mov'), 'not an MP4', facts.format)
    const handle = await open(file)
    try {
      return await judge(handle, facts, signal)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.reason, detail: error.message }
    if (error instanceof BmffError) return { reason: 'unreadable index', detail: error.message }
    throw error
  }
}

async function judge(handle: FileHandle, facts: Facts, signal?: AbortSignal): Promise<Copyable> {
  const moov = await readMoov(handle)
  signal?.throwIfAborted()
  demand(moov !== null, 'unreadable index', 'there is none')
  const movie = readMovie(moov)
  const track = findPicture(movie, facts)
  const stbl = readSampleTableBoxes(track)
  const avc = requirePlainPicture(track, stbl, facts)
  const table = readSampleTable(stbl)
  const { size: fileBytes } = await handle.stat()
  requireWhole(table, fileBytes)
  const timescale = readTimescale(only(track.mdia, 'mdhd'))
  requireOrder(table, timescale)
  const timeline = readTimeline(table, readEdits(track), timescale, movie.timescale)
  const sound = judgeSound(movie, facts, fileBytes)
  const late = sound ? timeline.startSeconds - sound.startSeconds : 0
  demand(late <= MAX_LATE_SECONDS, 'late picture', `it begins ${late.toFixed(2)} s after the sound`)
  demand(!table.hasOpenKeyframes, 'open GOP', 'the index lists keyframes that are none of their own')
  requireSteadyRate(table, timeline, timescale)
  const { keyframeSeconds, segments, durationSeconds } = cutAtKeyframes(table, timeline, timescale)
  const targetSeconds = targetDuration(segments)
  const rates = bitrates(segments, targetSeconds)
  const mbps = ({ averageBps, peakBps }: typeof rates) =>
    `${(averageBps / 1e6).toFixed(1)} Mbit/s, at its peak ${(peakBps / 1e6).toFixed(1)}`
  demand(rates.averageBps <= MAX_AVERAGE_BPS && rates.peakBps <= MAX_PEAK_BPS, 'bit rate', mbps(rates))
  const keyframesASecond = keyframeSeconds.length / durationSeconds
  demand(keyframesASecond <= MAX_KEYFRAMES_A_SECOND, 'dense keyframes', `${keyframesASecond} a second`)
  await requireIdrs(handle, table, timeline.first, avc.avcC, signal)
  const soundRates = sound && isInTime(sound, timeline.startSeconds) ? sound.rates : null
  return {
    copies: soundRates || !facts.audio ? 'picture and sound' : 'picture',
    sound: soundRates,
    startSeconds: timeline.startSeconds,
    ...{ keyframeSeconds, targetSeconds, durationSeconds, ...rates },
  }
}

function findPicture({ isFragmented, isUpright, tracks }: Movie, { video }: Facts): MovieTrack {
  demand(!isFragmented, 'fragmented', 'the index does not list the samples')
  const [track, another] = tracks.filter(({ handler }) => handler === 'vide')
  demand(track !== undefined, 'unreadable index', 'there is no picture in it')
  demand(!another, 'several pictures', 'which of them is shown is for a player to choose')
  demand(video.codec === 'h264', 'not avc1', `ffprobe says ${video.codec}`)
  demand(isUpright && video.rotation === 0, 'rotated', `the movie is turned, mirrored or moved`)
  return track
}

/** Hostile: a thousand samples that are all the same megabyte. */
function requireWhole({ count, offsets, sizes }: SampleTable, fileBytes: number): void {
  let total = 0
  for (let sample = 0; sample < count; sample++) {
    const size = sizes[sample] ?? 0
    const end = (offsets[sample] ?? 0) + size
    if (end > fileBytes) throw new Refusal('cut short', `sample ${sample} ends at ${end} of ${fileBytes}`)
    if (size === 0) throw new Refusal('unreadable index', `sample ${sample} is empty`)
    total += size
  }
  demand(total <= fileBytes, 'unreadable index', 'samples lie on each other')
}

/** An open group of pictures is flagged as a sync sample too: only its first slice tells. */
async function requireIdrs(
  handle: FileHandle,
  { syncs, offsets, sizes, presentTicks }: SampleTable,
  first: number,
  { nalLengthBytes, sps, pps }: AvcEntry['avcC'],
  signal?: AbortSignal,
): Promise<void> {
  const known = [...sps, ...pps].map(trimZeros)
  const left = syncs.filter(sync => sync >= first).values()
  const work = Array.from({ length: PARALLEL_READS }, async () => {
    for (const sync of left) {
      signal?.throwIfAborted()
      const sample = { offset: offsets[sync] ?? 0, bytes: sizes[sync] ?? 0 }
      const { sliceType, parameterSets } = await readBeginning(handle, sample, nalLengthBytes)
      demand(sliceType === IDR, 'open GOP', `the keyframe at tick ${presentTicks[sync]} is no IDR`)
      const isSame = parameterSets.every(set => known.some(other => other.equals(trimZeros(set))))
      demand(isSame, 'changing parameter sets', `at tick ${presentTicks[sync]} there are others`)
    }
  })
  // All of them, so that none reads on when the file is closed.
  const results = await Promise.allSettled(work)
  const failed = results.find(result => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** Zeros may follow a NAL unit (trailing_zero_8bits). */
function trimZeros(unit: Buffer): Buffer {
  let end = unit.length
  while (end > 0 && unit[end - 1] === 0) end--
  return unit.subarray(0, end)
}
