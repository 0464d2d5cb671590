// Movie fragments: where the samples of one track are in a segment, and how long they last
// (ISO/IEC 14496-12 §8.8).
import type { Track } from '#media/bmff.ts'
import { BmffError, type Box, Reader } from '#media/bmff-boxes.ts'

/** What a sample has whose run does not say; in ticks, bytes and the bits of §8.8.3.1. */
export interface SampleDefaults {
  duration: number
  size: number
  flags: number
}

/** Samples that lie one behind the other. */
export interface Run {
  /** of the first byte, from the beginning of the segment */
  offset: number
  bytes: number
  count: number
  /** ticks */
  duration: number
  firstSize: number
  firstFlags: number
  /** ticks from the decode time of the first sample to when it is shown */
  firstShift: number
}

/** §8.8.7. CMAF (ISO/IEC 23000-19) counts from the moof, so that a segment stands on its own. */
export function readTfhd(box: Box, tracks: Track[]): { track: Track; defaults: SampleDefaults } {
  const reader = new Reader(box.body, 'tfhd')
  const { flags } = reader.full()
  const id = reader.u32()
  const track = tracks.find(candidate => candidate.id === id)
  if (!track) throw new BmffError(`track ${id} is not in the init segment`)
  if (flags & 0x01 || !(flags & 0x020000)) throw new BmffError('sample positions do not count from the moof')
  if (flags & 0x02) reader.skip(4)
  return {
    track,
    defaults: {
      duration: flags & 0x08 ? reader.u32() : track.defaults.duration,
      size: flags & 0x10 ? reader.u32() : track.defaults.size,
      flags: flags & 0x20 ? reader.u32() : track.defaults.flags,
    },
  }
}

/**
 * §8.8.8
 * @param next where the samples begin when the box does not say: where the last run ended
 */
export function readTrun(box: Box, defaults: SampleDefaults, moofOffset: number, next: number): Run {
  const reader = new Reader(box.body, 'trun')
  const { flags } = reader.full()
  const count = reader.u32()
  if (count === 0) throw new BmffError('a run has no samples')
  const offset = flags & 0x01 ? moofOffset + reader.i32() : next
  const firstFlags = flags & 0x04 ? reader.u32() : null
  const [hasDuration, hasSize, hasFlags, hasTimeOffset] = [0x100, 0x200, 0x400, 0x800].map(bit => flags & bit)
  const fields = [hasDuration, hasSize, hasFlags, hasTimeOffset].filter(Boolean).length
  // Before any loop: a count of four thousand million must not be counted through.
  if (reader.left !== count * fields * 4) throw new BmffError('trun has not the samples it claims')
  const run: Run = {
    offset,
    bytes: count * defaults.size,
    count,
    duration: count * defaults.duration,
    firstSize: defaults.size,
    firstFlags: firstFlags ?? defaults.flags,
    firstShift: 0,
  }
  if (fields === 0) return run
  if (hasDuration) run.duration = 0
  if (hasSize) run.bytes = 0
  for (let index = 0; index < count; index++) {
    if (hasDuration) run.duration += reader.u32()
    const size = hasSize ? reader.u32() : defaults.size
    const sampleFlags = hasFlags ? reader.u32() : defaults.flags
    const firstShift = hasTimeOffset ? reader.i32() : 0
    if (hasSize) run.bytes += size
    if (index === 0)
      Object.assign(run, { firstSize: size, firstFlags: firstFlags ?? sampleFlags, firstShift })
  }
  return run
}
