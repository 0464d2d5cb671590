// The index of an MP4 or MOV that someone else wrote (moov: ISO/IEC 14496-12 §8.2 to §8.6): what
// a decision about its tracks needs, read only where it is asked for.
import type { FileHandle } from 'node:fs/promises'
import { readTimescale } from '#media/bmff.ts'
import { BmffError, type Box, descend, only, Reader, splitBoxes } from '#media/bmff-boxes.ts'

// Longer indexes exist only for videos that last days; and a file is no chain of a thousand boxes.
const MAX_MOOV_BYTES = 64 * 1024 ** 2
const MAX_BOXES = 1000
const HEADER_BYTES = 16
const MAX_EDITS = 1000
// §8.2.2.2: 16.16 fixed point, the last column 2.30
const IDENTITY = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000]

export interface Movie {
  timescale: number
  /** false when the movie's matrix turns, mirrors, scales or moves its tracks */
  isUpright: boolean
  /** samples are listed in fragments, not in the index */
  isFragmented: boolean
  tracks: MovieTrack[]
}

export interface MovieTrack {
  /** vide, soun, … */
  handler: string
  boxes: Box[]
  mdia: Box[]
}

export interface Edit {
  /** in the movie's timescale; 0 may mean to the end */
  duration: number
  /** in the track's; -1 is an empty edit */
  mediaTime: number
  /** 1 is as it was recorded */
  rate: number
}

/** @returns the box moov with its header, null when there is none; cut where it is longer than an index can be */
export async function readMoov(handle: FileHandle): Promise<Buffer | null> {
  const { size: fileBytes } = await handle.stat()
  for (let offset = 0, count = 0; offset + 8 <= fileBytes && count < MAX_BOXES; count++) {
    const { buffer } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, offset)
    const small = buffer.readUInt32BE(0)
    const claimed = small === 1 ? Number(buffer.readBigUInt64BE(8)) : small
    const left = fileBytes - offset
    const size = small === 0 ? left : claimed
    if (buffer.toString('latin1', 4, 8) === 'moov') {
      const length = Math.min(size, left, MAX_MOOV_BYTES)
      const moov = await handle.read(Buffer.alloc(length), 0, length, offset)
      return moov.buffer.subarray(0, moov.bytesRead)
    }
    if (size < 8) return null
    offset += size
  }
  return null
}

/** @throws BmffError */
export function readMovie(moov: Buffer): Movie {
  const boxes = splitBoxes(only(splitBoxes(moov), 'moov').body)
  const mvhd = only(boxes, 'mvhd')
  return {
    timescale: readTimescale(mvhd),
    isUpright: hasIdentityMatrix(mvhd, 36),
    isFragmented: boxes.some(box => box.type === 'mvex'),
    tracks: boxes.filter(box => box.type === 'trak').map(readTrack),
  }
}

function readTrack(trak: Box): MovieTrack {
  const boxes = splitBoxes(trak.body)
  const mdia = splitBoxes(only(boxes, 'mdia').body)
  const handler = new Reader(only(mdia, 'hdlr').body, 'hdlr').skip(8).bytes(4).toString('latin1')
  return { handler, boxes, mdia }
}

/** tkhd (§8.3.2): how the track is laid on the screen. */
export function readLayout({ boxes }: MovieTrack): { isUpright: boolean; width: number; height: number } {
  const tkhd = only(boxes, 'tkhd')
  const reader = new Reader(tkhd.body, 'tkhd')
  const { version } = reader.full()
  reader.skip((version === 1 ? 88 : 76) - reader.position)
  // 16.16 fixed point
  const [width, height] = [reader.u32() / 65536, reader.u32() / 65536]
  return { isUpright: hasIdentityMatrix(tkhd, 40), width, height }
}

/** @param at where the matrix is in version 0; three words of version 1 are longer */
function hasIdentityMatrix(box: Box, at: number): boolean {
  const reader = new Reader(box.body, box.type)
  const { version } = reader.full()
  reader.skip(at - reader.position + (version === 1 ? 12 : 0))
  return IDENTITY.every(value => reader.u32() === value)
}

/** §8.5.2 */
export function readSampleEntries(stbl: Box[]): Box[] {
  const reader = new Reader(only(stbl, 'stsd').body, 'stsd')
  reader.full()
  const count = reader.u32()
  const entries = splitBoxes(reader.bytes(reader.left))
  if (entries.length !== count) throw new BmffError('stsd has not the entries it claims')
  return entries
}

export function readSampleTableBoxes({ mdia }: MovieTrack): Box[] {
  return splitBoxes(descend(mdia, 'minf', 'stbl').body)
}

/** §8.6.6; none without the box */
export function readEdits({ boxes }: MovieTrack): Edit[] {
  if (!boxes.some(box => box.type === 'edts')) return []
  const reader = new Reader(descend(boxes, 'edts', 'elst').body, 'elst')
  const { version } = reader.full()
  const count = reader.u32()
  if (count > MAX_EDITS) throw new BmffError(`an edit list claims ${count} entries`)
  return Array.from({ length: count }, () => ({
    duration: reader.word(version),
    mediaTime: version === 1 ? reader.i64() : reader.i32(),
    rate: reader.u32() / 65536,
  }))
}
