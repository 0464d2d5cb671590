// Whether the sound beside a picture that is copied may be copied as well. What cannot be read is
// no reason to refuse the picture: FFmpeg then makes of it what it can.
import { readTimescale } from '#media/bmff.ts'
import { BmffError, only } from '#media/bmff-boxes.ts'
import { readSampleEntry } from '#media/bmff-codec.ts'
import {
  type Movie,
  type MovieTrack,
  readEdits,
  readSampleEntries,
  readSampleTableBoxes,
} from '#media/movie.ts'
import { bitrates } from '#media/playlist.ts'
import { readSampleTable } from '#media/sample-table.ts'
import { Refusal } from './copy-refusal.ts'
import { onlyEdit } from './copy-times.ts'
import type { Facts } from './facts.ts'
import { SEGMENT_SECONDS } from './plan.ts'

const RATES = [44_100, 48_000]
// An AAC frame; and a player ignores an empty edit, which is what a late start becomes.
const MAX_LATE_SECONDS = 1024 / 44_100
// Priming is 1024 to 2112 samples. What is skipped and was longer is a piece that someone cut away.
const MAX_SKIPPED_SECONDS = 0.1
// A frame that lasts longer than itself is a gap: silence in an encode, a stall in a copy.
const MAX_FRAME_SECONDS = 0.1
// What AAC at its best needs is a third of it.
const MAX_BPS = 1_000_000

interface Sound {
  /** in the file's own time; 0 where it cannot be read */
  startSeconds: number
  /** null where it cannot be copied */
  rates: { peakBps: number; averageBps: number } | null
}

/** @returns null when there is no sound */
export function judgeSound(movie: Movie, { audio }: Facts, fileBytes: number): Sound | null {
  const [track, another] = movie.tracks.filter(({ handler }) => handler === 'soun')
  if (!audio || !track) return null
  const sound: Sound = { startSeconds: 0, rates: null }
  try {
    const { emptySeconds, edit } = onlyEdit(readEdits(track), movie.timescale)
    sound.startSeconds = emptySeconds
    const skippedSeconds = (edit?.mediaTime ?? 0) / readTimescale(only(track.mdia, 'mdhd'))
    if (!another && skippedSeconds <= MAX_SKIPPED_SECONDS && isPlainAac(track, audio))
      sound.rates = measure(track, fileBytes)
  } catch (error) {
    if (!(error instanceof BmffError || error instanceof Refusal)) throw error
  }
  return sound
}

/** Whether it begins with the picture: a copy cannot have silence put before it. */
export function isInTime(sound: Sound, pictureSeconds: number): boolean {
  return sound.startSeconds - pictureSeconds <= MAX_LATE_SECONDS
}

/** AAC-LC, one or two channels: what the public MP4 and every player's decoder have in common. */
function isPlainAac(track: MovieTrack, audio: NonNullable<Facts['audio']>): boolean {
  const [entry, another] = readSampleEntries(readSampleTableBoxes(track))
  if (!entry || another) return false
  const format = readSampleEntry(entry)
  if (format.kind !== 'audio' || format.codec !== 'mp4a.40.2') return false
  // ffprobe has decoded some: where it heard other channels, or another codec, the container lies.
  const isTrue = audio.codec === 'aac' && audio.channels === format.channels
  return isTrue && format.channels <= 2 && RATES.includes(format.sampleRate)
}

/** @returns null when it has gaps, is not in the file, or would be more bytes than sound needs */
function measure(track: MovieTrack, fileBytes: number): Sound['rates'] {
  const { count, decodeTicks, offsets, sizes } = readSampleTable(readSampleTableBoxes(track))
  const timescale = readTimescale(only(track.mdia, 'mdhd'))
  const cuts: { durationSeconds: number; bytes: number }[] = []
  for (let sample = 0; sample < count; sample++) {
    const seconds = ((decodeTicks[sample + 1] ?? 0) - (decodeTicks[sample] ?? 0)) / timescale
    const bytes = sizes[sample] ?? 0
    if (!(seconds > 0 && seconds <= MAX_FRAME_SECONDS) || (offsets[sample] ?? 0) + bytes > fileBytes)
      return null
    const last = cuts.at(-1)
    if (!last || last.durationSeconds >= SEGMENT_SECONDS) cuts.push({ durationSeconds: seconds, bytes })
    else {
      last.durationSeconds += seconds
      last.bytes += bytes
    }
  }
  // Samples may lie on each other: a small file would become a large one.
  const rates = cuts.length > 0 ? bitrates(cuts, SEGMENT_SECONDS) : null
  return rates && rates.peakBps <= MAX_BPS ? rates : null
}
