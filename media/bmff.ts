// Reads the CMAF that we publish (FFmpeg's fMP4 init and media segments), to measure and verify it
// before anything names it. Strict: what our settings never write is an error, not a guess.
import { BmffError, type Box, descend, only, Reader, splitBoxes } from '#media/bmff-boxes.ts'
import { type AudioFormat, readSampleEntry, type VideoFormat } from '#media/bmff-codec.ts'
import { type Run, readTfhd, readTrun, type SampleDefaults } from '#media/bmff-runs.ts'

export type Track = (VideoFormat | AudioFormat) & {
  id: number
  /** ticks in a second: the unit of every time below */
  timescale: number
  /** media time at which presentation begins (encoder delay, priming); 0 without an edit list */
  startTicks: number
  /** ticks of nothing before it (an empty edit), in the movie's timescale turned into seconds */
  emptyEditSeconds: number
  defaults: SampleDefaults
}

/** One track's part of a media segment (a traf box). */
export interface Fragment {
  trackId: number
  kind: Track['kind']
  /** decode time of the first sample */
  baseDecodeTicks: number
  baseDecodeSeconds: number
  /** when the first sample is shown, on the clock of the presentation: the edit list is counted */
  presentSeconds: number
  durationTicks: number
  durationSeconds: number
  sampleCount: number
  sampleBytes: number
  /** what the flags of the first sample say; an open-GOP keyframe says it too */
  startsWithSync: boolean
  /** what the picture is: the first slice is an IDR by NAL unit type; null for audio */
  startsWithIdr: boolean | null
}

/**
 * @returns the tracks of an init segment
 * @throws BmffError
 */
export function readInitSegment(bytes: Buffer): Track[] {
  const moov = splitBoxes(only(splitBoxes(bytes), 'moov').body)
  const movieTimescale = readTimescale(only(moov, 'mvhd'))
  const defaults = new Map(
    splitBoxes(only(moov, 'mvex').body)
      .filter(box => box.type === 'trex')
      .map(readTrex),
  )
  const tracks = moov
    .filter(box => box.type === 'trak')
    .map(trak => readTrack(trak, movieTimescale, defaults))
  if (tracks.length === 0) throw new BmffError('the init segment has no track')
  return tracks
}

/**
 * @param tracks from the init segment
 * @returns one entry for each track of each moof, in file order; never empty
 * @throws BmffError
 */
export function readMediaSegment(bytes: Buffer, tracks: Track[]): Fragment[] {
  const boxes = splitBoxes(bytes)
  const mdats = boxes.filter(box => box.type === 'mdat')
  const fragments: Fragment[] = []
  for (const moof of boxes.filter(box => box.type === 'moof')) {
    for (const traf of splitBoxes(moof.body).filter(box => box.type === 'traf')) {
      fragments.push(readTraf(splitBoxes(traf.body), moof.offset, { bytes, mdats, tracks }))
    }
  }
  if (fragments.length === 0) throw new BmffError('the media segment has no samples')
  return fragments
}

function readTrack(trak: Box, movieTimescale: number, defaults: Map<number, SampleDefaults>): Track {
  const boxes = splitBoxes(trak.body)
  const tkhd = new Reader(only(boxes, 'tkhd').body, 'tkhd')
  const { version } = tkhd.full()
  const id = tkhd.skip(version === 1 ? 16 : 8).u32()
  const trackDefaults = defaults.get(id)
  if (!trackDefaults) throw new BmffError(`track ${id} has no trex`)
  const mdia = splitBoxes(only(boxes, 'mdia').body)
  const stsd = new Reader(descend(mdia, 'minf', 'stbl', 'stsd').body, 'stsd')
  stsd.full()
  const count = stsd.u32()
  const [entry, second] = splitBoxes(stsd.bytes(stsd.left))
  if (count !== 1 || !entry || second) throw new BmffError(`track ${id} has not one sample entry`)
  return {
    ...readSampleEntry(entry),
    id,
    timescale: readTimescale(only(mdia, 'mdhd')),
    ...readEditList(boxes, movieTimescale),
    defaults: trackDefaults,
  }
}

/** mvhd and mdhd begin alike (ISO/IEC 14496-12 §8.2.2, §8.4.2). */
export function readTimescale(header: Box): number {
  const reader = new Reader(header.body, header.type)
  const { version } = reader.full()
  const timescale = reader.skip(version === 1 ? 16 : 8).u32()
  if (timescale === 0) throw new BmffError(`${header.type} has timescale 0`)
  return timescale
}

/** §8.6.6: an empty edit, at most, and then one that lasts to the end. */
function readEditList(trak: Box[], movieTimescale: number) {
  const edits = { startTicks: 0, emptyEditSeconds: 0 }
  if (!trak.some(box => box.type === 'edts')) return edits
  const elst = new Reader(descend(trak, 'edts', 'elst').body, 'elst')
  const { version } = elst.full()
  for (let left = elst.u32(); left > 0; left--) {
    const duration = elst.word(version)
    const mediaTime = version === 1 ? elst.i64() : elst.i32()
    elst.skip(4)
    if (mediaTime === -1) edits.emptyEditSeconds += duration / movieTimescale
    else if (left === 1) edits.startTicks = mediaTime
    else throw new BmffError('the edit list cuts the track into pieces')
  }
  return edits
}

/** §8.8.3 */
function readTrex(box: Box): [number, SampleDefaults] {
  const reader = new Reader(box.body, 'trex')
  reader.full()
  const id = reader.u32()
  return [id, { duration: reader.skip(4).u32(), size: reader.u32(), flags: reader.u32() }]
}

interface Segment {
  bytes: Buffer
  mdats: Box[]
  tracks: Track[]
}

function readTraf(traf: Box[], moofOffset: number, segment: Segment): Fragment {
  const { track, defaults } = readTfhd(only(traf, 'tfhd'), segment.tracks)
  const tfdt = new Reader(only(traf, 'tfdt').body, 'tfdt')
  const baseDecodeTicks = tfdt.word(tfdt.full().version)
  const runs: Run[] = []
  let next = moofOffset
  for (const trun of traf.filter(box => box.type === 'trun')) {
    const run = readTrun(trun, defaults, moofOffset, next)
    if (!segment.mdats.some(mdat => contains(mdat, run))) {
      throw new BmffError(`samples of track ${track.id} lie outside of every mdat`)
    }
    next = run.offset + run.bytes
    runs.push(run)
  }
  const [first] = runs
  if (!first) throw new BmffError(`track ${track.id} has no samples`)
  const sample = segment.bytes.subarray(first.offset, first.offset + first.firstSize)
  const durationTicks = sum(runs.map(run => run.duration))
  return {
    trackId: track.id,
    kind: track.kind,
    baseDecodeTicks,
    baseDecodeSeconds: baseDecodeTicks / track.timescale,
    presentSeconds:
      track.emptyEditSeconds + (baseDecodeTicks + first.firstShift - track.startTicks) / track.timescale,
    durationTicks,
    durationSeconds: durationTicks / track.timescale,
    sampleCount: sum(runs.map(run => run.count)),
    sampleBytes: sum(runs.map(run => run.bytes)),
    // sample_is_non_sync_sample (§8.8.3.1)
    startsWithSync: (first.firstFlags & 0x10000) === 0,
    startsWithIdr: track.kind === 'video' ? isIdr(sample, track.nalLengthBytes) : null,
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function contains(mdat: Box, run: Run): boolean {
  return run.offset >= mdat.bodyOffset && run.offset + run.bytes <= mdat.bodyOffset + mdat.body.length
}

/** The first slice decides; parameter sets, SEI and delimiters come before it (ISO/IEC 14496-10 table 7-1). */
function isIdr(sample: Buffer, nalLengthBytes: number): boolean {
  const reader = new Reader(sample, 'the first sample')
  while (reader.left > 0) {
    const size = reader.bytes(nalLengthBytes).readUIntBE(0, nalLengthBytes)
    const type = new Reader(reader.bytes(size), 'a NAL unit').u8() & 0x1f
    if (type >= 1 && type <= 5) return type === 5
  }
  throw new BmffError('the first sample has no picture')
}
