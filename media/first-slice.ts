// Looks at how a coded picture begins without reading the picture (ISO/IEC 14496-10 table 7-1).
import type { FileHandle } from 'node:fs/promises'
import { BmffError } from '#media/bmff-boxes.ts'

// Parameter sets and what x264 says of itself fit in; behind longer ones the file is read again.
const WINDOW_BYTES = 1024
const MAX_UNITS = 32
const [SPS, PPS] = [7, 8]
// The longest length there is and a header.
const LEAST_BYTES = 5

interface Sample {
  offset: number
  bytes: number
}

interface Beginning {
  /** NAL unit type of the first slice: 5 is an IDR */
  sliceType: number
  /** parameter sets before it, whole NAL units */
  parameterSets: Buffer[]
}

/**
 * @param sample where it lies in the file
 * @throws BmffError when no slice is found
 */
export async function readBeginning(
  handle: FileHandle,
  sample: Sample,
  nalLengthBytes: number,
): Promise<Beginning> {
  const parameterSets: Buffer[] = []
  let window = await readWindow(handle, sample, 0)
  let windowAt = 0
  let position = 0
  for (let count = 0; count < MAX_UNITS; count++) {
    if (position - windowAt + nalLengthBytes >= window.length) {
      window = await readWindow(handle, sample, position)
      windowAt = position
    }
    const at = position - windowAt + nalLengthBytes
    const type = (window[at] ?? 0) & 0x1f
    const size = window.readUIntBE(at - nalLengthBytes, nalLengthBytes)
    if (position + nalLengthBytes + size > sample.bytes) {
      throw new BmffError(`a unit goes on beyond the sample at ${sample.offset}`)
    }
    if (type >= 1 && type <= 5) return { sliceType: type, parameterSets }
    if (type === SPS || type === PPS) {
      const isWhole = at + size <= window.length
      const from = isWhole ? window : await readWindow(handle, sample, position)
      parameterSets.push(from.subarray(isWhole ? at : nalLengthBytes).subarray(0, size))
    }
    position += nalLengthBytes + size
  }
  throw new BmffError(`the sample at ${sample.offset} has no picture`)
}

/** @returns at least a NAL unit's length and type */
async function readWindow(handle: FileHandle, sample: Sample, position: number): Promise<Buffer> {
  const length = Math.min(WINDOW_BYTES, sample.bytes - position)
  if (length < LEAST_BYTES) throw new BmffError(`the sample at ${sample.offset} has no picture`)
  const { buffer, bytesRead } = await handle.read(
    Buffer.allocUnsafe(length),
    0,
    length,
    sample.offset + position,
  )
  if (bytesRead < length) throw new BmffError(`the sample at ${sample.offset} is cut short`)
  return buffer
}
