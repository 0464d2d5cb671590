// The sample table of a track (ISO/IEC 14496-12 §8.5 to §8.7): when each sample is decoded and shown,
// how long it is and where it lies. Every count is checked against its box before it is believed.
import { endianness } from 'node:os'
import { BmffError, type Box, only, Reader } from '#media/bmff-boxes.ts'

// Four hours at 60 pictures a second. A count without a table (samples of one size) costs a liar nothing.
const MAX_SAMPLES = 1_000_000

export interface SampleTable {
  count: number
  /** ticks; one more than there are samples: the last is where the last sample ends */
  decodeTicks: Float64Array
  /** ticks, before any edit list */
  presentTicks: Float64Array
  sizes: Uint32Array
  /** of the first byte, in the file */
  offsets: Float64Array
  /** indices of the samples that may be decoded first, ascending */
  syncs: Uint32Array
  /** keyframes by other lists than that of the sync samples: those of open groups of pictures */
  hasOpenKeyframes: boolean
}

/**
 * @param stbl the boxes in it
 * @throws BmffError
 */
export function readSampleTable(stbl: Box[]): SampleTable {
  const sizes = readSizes(only(stbl, 'stsz'))
  const count = sizes.length
  const durations = readRuns(only(stbl, 'stts'), count)
  const shifts = stbl.some(box => box.type === 'ctts') ? readRuns(only(stbl, 'ctts'), count) : null
  const decodeTicks = new Float64Array(count + 1)
  const presentTicks = new Float64Array(count)
  let ticks = 0
  for (let index = 0; index < count; index++) {
    presentTicks[index] = ticks + (shifts?.[index] ?? 0)
    ticks += durations[index] ?? 0
    decodeTicks[index + 1] = ticks
  }
  return {
    ...{ count, decodeTicks, presentTicks, sizes },
    offsets: readOffsets(stbl, sizes),
    syncs: readSyncs(stbl, count),
    hasOpenKeyframes: stbl.some(listsOpenKeyframes),
  }
}

/** §8.7.3.2 */
function readSizes(stsz: Box): Uint32Array {
  const reader = new Reader(stsz.body, 'stsz')
  reader.full()
  const [common, count] = [reader.u32(), reader.u32()]
  if (count === 0 || count > MAX_SAMPLES) throw new BmffError(`a track claims ${count} samples`)
  if (common > 0) return new Uint32Array(count).fill(common)
  return toWords(reader.bytes(count * 4))
}

/** stts and ctts (§8.6.1): so many samples, each with that value. More than 2^31 is meant as negative. */
function readRuns(box: Box, samples: number): Int32Array {
  const words = readTable(box, 2)
  const values = new Int32Array(samples)
  let end = 0
  for (let at = 0; at < words.length && end <= samples; at += 2) {
    const start = end
    end += words[at] ?? 0
    const value = words[at + 1] ?? 0
    for (let sample = start; sample < Math.min(end, samples); sample++) values[sample] = value
  }
  if (end !== samples) throw new BmffError(`${box.type} is not about the ${samples} samples there are`)
  return values
}

/** stsc says how many samples lie one behind the other in each chunk, stco or co64 where it begins. */
function readOffsets(stbl: Box[], sizes: Uint32Array): Float64Array {
  const isLong = stbl.some(box => box.type === 'co64')
  const words = readTable(only(stbl, isLong ? 'co64' : 'stco'), isLong ? 2 : 1)
  const chunks = isLong ? words.length / 2 : words.length
  const rows = readTable(only(stbl, 'stsc'), 3)
  const offsets = new Float64Array(sizes.length)
  let sample = 0
  let chunk = 0
  for (let row = 0; row < rows.length; row += 3) {
    const perChunk = rows[row + 1] ?? 0
    const next = (rows[row + 3] ?? chunks + 1) - 1
    // Ascending, so that each chunk is visited once; all by the one sample entry.
    const isNext = rows[row] === chunk + 1 && next > chunk && next <= chunks
    if (!isNext || perChunk === 0 || rows[row + 2] !== 1) {
      throw new BmffError('stsc does not tell the chunks in order')
    }
    for (; chunk < next; chunk++) {
      const end = sample + perChunk
      if (end > sizes.length) throw new BmffError('chunks have more samples than there are')
      let at = isLong ? (words[chunk * 2] ?? 0) * 2 ** 32 + (words[chunk * 2 + 1] ?? 0) : (words[chunk] ?? 0)
      for (; sample < end; sample++) {
        offsets[sample] = at
        at += sizes[sample] ?? 0
      }
    }
  }
  if (sample !== sizes.length) throw new BmffError('chunks have fewer samples than there are')
  return offsets
}

/** §8.6.2: without the box every sample is one. */
function readSyncs(stbl: Box[], samples: number): Uint32Array {
  if (!stbl.some(box => box.type === 'stss'))
    return Uint32Array.from({ length: samples }, (_, index) => index)
  const syncs = readTable(only(stbl, 'stss'), 1)
  let last = 0
  for (let row = 0; row < syncs.length; row++) {
    const number = syncs[row] ?? 0
    if (number <= last || number > samples) throw new BmffError('stss is not a list of samples in order')
    syncs[row] = number - 1
    last = number
  }
  return syncs
}

/** QuickTime's partial sync samples, and the sample group "rap " (§10.4). */
function listsOpenKeyframes({ type, body }: Box): boolean {
  return type === 'stps' || (type === 'sbgp' && body.toString('latin1', 4, 8) === 'rap ')
}

function readTable(box: Box, wordsPerRow: number): Uint32Array {
  const reader = new Reader(box.body, box.type)
  reader.full()
  const count = reader.u32()
  return toWords(reader.bytes(count * wordsPerRow * 4))
}

/** All at once: a hundred thousand single reads take longer than the whole decision may. */
function toWords(bigEndian: Buffer): Uint32Array {
  const words = new Uint32Array(bigEndian.length / 4)
  const bytes = Buffer.from(words.buffer)
  bigEndian.copy(bytes)
  if (endianness() === 'LE') bytes.swap32()
  return words
}
