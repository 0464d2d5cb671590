// What becomes of a source's sound before it is encoded: stereo, in its place beside the picture, and in
// the ladder as loud as that of every other video (docs/decisions/0014-loudness.md). Pure.

/** EBU R128's integrated loudness (ITU-R BS.1770-4), as the large platforms have it. */
export const TARGET_LUFS = -14
/** Near enough: at its rates the encoder leaves out up to 0.6 LU of noise. */
const NEAR_LU = 0.3
// What is quieter is noise, or silence that somebody meant; what is shorter has no integrated loudness
// worth the name.
const LEAST_LUFS = -50
const LEAST_SECONDS = 3

const RATE = 48_000
// Peaks are looked for between samples as well (BS.1770-4, annex 2): at four times the rate.
const PEAK_RATE = 4 * RATE
// So that −1 dBTP are left of it by AAC, which adds up to 3.3 dB to a peak: see the decision record.
const CEILING_DB = -5
// What sample peaks may hide.
const BETWEEN_SAMPLES_DB = 1

/** FFmpeg makes all the silence of a gap at once, nearly a megabyte for a second of it. */
export const MAX_SILENCE_SECONDS = 60

// What comes after a longer gap follows at once: variable 0 holds how much was left out so far.
const GAP = 'PTS-PREV_INPTS'
const CLOSE_GAPS = `asetpts=PTS-st(0,ld(0)+if(gt(${GAP},${MAX_SILENCE_SECONDS}/TB),${GAP},0))`.replaceAll(
  ',',
  '\\,',
)

/**
 * Gaps become silence and a late start stays late. More channels are mixed to two by ITU-R BS.775's
 * weights, scaled so that they cannot clip together.
 */
export const SOUND_IN_PLACE = `${CLOSE_GAPS},aresample=${RATE}:async=1:first_pts=0:rematrix_maxval=1,aformat=sample_fmts=fltp:channel_layouts=stereo`

/** The same of a sound whose channels or rate change on the way; where it begins is where it began. */
export const EVEN = `${CLOSE_GAPS},aresample=${RATE}:async=1:rematrix_maxval=1,aformat=sample_fmts=s16:channel_layouts=stereo`

export function soundChain(gainDb: number | null): string {
  if (gainDb === null) return SOUND_IN_PLACE
  // `level` would make it louder up to the ceiling again; without `latency` sound would come late.
  const limiter = `alimiter=limit=${(10 ** (CEILING_DB / 20)).toFixed(4)}:attack=3:release=20:level=0:latency=1`
  return [
    ...[SOUND_IN_PLACE, `volume=${gainDb.toFixed(2)}dB`],
    ...[`aresample=${PEAK_RATE}`, limiter, `aresample=${RATE}`],
  ].join(',')
}

/** At the end of a chain; what it measured comes on stderr when FFmpeg ends. */
export const MEASURE = 'ebur128=peak=sample:framelog=verbose'

export interface Loudness {
  lufs: number
  /** of samples, dBFS */
  peakDb: number
  seconds: number
}

/** @returns null where nothing was heard: FFmpeg decoded nothing of it */
export function readLoudness(stderr: string, seconds: number): Loudness | null {
  const lufs = last(stderr, /\bI: +(\S+) LUFS/g)
  const peakDb = last(stderr, /\bPeak: +(\S+) dBFS/g)
  if (lufs === undefined || Number.isNaN(Number(lufs))) return null
  return { lufs: Number(lufs), peakDb: peakDb === '-inf' ? -Infinity : Number(peakDb), seconds }
}

function last(text: string, pattern: RegExp): string | undefined {
  return Array.from(text.matchAll(pattern)).at(-1)?.[1]
}

/** FFmpeg makes its filters anew where a sound changes, and with them what they put before its beginning. */
export function hasBegunAgain(stderr: string): boolean {
  return /non[- ]?monoton/i.test(stderr)
}

export function isWorthAGain({ lufs, seconds }: Loudness): boolean {
  return lufs >= LEAST_LUFS && seconds >= LEAST_SECONDS
}

/** Then the limiter takes of the loudness as well, and only measuring tells how much. */
export function isLimited({ peakDb }: Loudness, gainDb: number): boolean {
  return peakDb + gainDb > CEILING_DB - BETWEEN_SAMPLES_DB
}

export interface Try {
  gainDb: number
  /** LUFS, with that gain and the limiter */
  becomes: number
}

// Of what is added, the limiter leaves at least so much; less would only be noise made louder.
const LEAST_SLOPE = 0.25

export function isNear({ becomes }: Try): boolean {
  return Math.abs(TARGET_LUFS - becomes) <= NEAR_LU
}

export function nearest(tries: Try[]): Try {
  return tries.reduce((a, b) =>
    Math.abs(TARGET_LUFS - b.becomes) < Math.abs(TARGET_LUFS - a.becomes) ? b : a,
  )
}

/**
 * What to try after these: the slope between the last two tells, as the harder the limiter works, the less
 * comes of what is added; until one was too loud. (Gated loudness leaps: then halfway.)
 */
export function nextGain(tries: Try[]): number {
  const sorted = tries.toSorted((a, b) => a.gainDb - b.gainDb)
  const below = sorted.findLast(({ becomes }) => becomes < TARGET_LUFS)
  const above = sorted.find(({ becomes }) => becomes > TARGET_LUFS)
  if (below && above) return (below.gainDb + above.gainDb) / 2
  const [last, before] = tries.toReversed()
  if (!last) throw new Error('nothing was tried')
  const slope = before ? (last.becomes - before.becomes) / (last.gainDb - before.gainDb) : 1
  return last.gainDb + (TARGET_LUFS - last.becomes) / Math.min(1, Math.max(LEAST_SLOPE, slope))
}
