// H.264's sequence parameter set (ISO/IEC 14496-10 §7.3.2.1): what the picture really is, whatever the
// container says of it.
import { Bits } from '#media/bits.ts'
import { BmffError } from '#media/bmff-boxes.ts'

export interface Sps {
  profile: number
  /** constraint_set0_flag is the highest bit */
  constraints: number
  /** ten times the level */
  level: number
  /** 1 is 4:2:0 */
  chromaFormat: number
  bitDepth: number
  /** false: fields may occur */
  isProgressive: boolean
  /** after cropping */
  width: number
  height: number
  /** width over height of a pixel; 1 where nothing is said */
  pixelShape: number
}

// They have the fields for chroma, bit depth and scaling (§7.3.2.1.1).
const HIGH_PROFILES = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]
const EXTENDED_SAR = 255
// Table E-1
const SHAPES: [number, number][] = [
  ...([
    [1, 1],
    [1, 1],
    [12, 11],
    [10, 11],
    [16, 11],
    [40, 33],
  ] as [number, number][]),
  ...([
    [24, 11],
    [20, 11],
    [32, 11],
    [80, 33],
    [18, 11],
    [15, 11],
  ] as [number, number][]),
  ...([
    [64, 33],
    [160, 99],
    [4, 3],
    [3, 2],
    [2, 1],
  ] as [number, number][]),
]

/**
 * @param unit the NAL unit with its header
 * @throws BmffError
 */
export function readSps(unit: Buffer): Sps {
  if (((unit[0] ?? 0) & 0x1f) !== 7) throw new BmffError('a sequence parameter set is of another type')
  const bits = new Bits(withoutEmulation(unit.subarray(1)), 'the sequence parameter set')
  const [profile, constraints, level] = [bits.take(8), bits.take(8), bits.take(8)]
  bits.unsigned()
  const { chromaFormat, bitDepth } = HIGH_PROFILES.includes(profile)
    ? readHigh(bits)
    : { chromaFormat: 1, bitDepth: 8 }
  bits.unsigned()
  skipPictureOrder(bits)
  bits.unsigned()
  bits.flag()
  const [columns, rows] = [bits.unsigned() + 1, bits.unsigned() + 1]
  const isProgressive = bits.flag()
  if (!isProgressive) bits.flag()
  bits.flag()
  const crop = bits.flag() ? Array.from({ length: 4 }, () => bits.unsigned()) : [0, 0, 0, 0]
  const [left = 0, right = 0, top = 0, bottom = 0] = crop
  // Table 6-1 and (7-19) to (7-22): the unit of cropping is a chroma sample, and two lines of fields.
  const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1
  const lines = isProgressive ? 1 : 2
  const unitY = (chromaFormat === 1 ? 2 : 1) * lines
  return {
    ...{ profile, constraints, level, chromaFormat, bitDepth, isProgressive },
    width: columns * 16 - (left + right) * unitX,
    height: rows * 16 * lines - (top + bottom) * unitY,
    pixelShape: readPixelShape(bits),
  }
}

/** §7.4.1.1: 3 after two zeros is there only so that no start code occurs. */
function withoutEmulation(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.filter((byte, at) => byte !== 3 || at < 2 || bytes[at - 1] !== 0 || bytes[at - 2] !== 0),
  )
}

function readHigh(bits: Bits): { chromaFormat: number; bitDepth: number } {
  const chromaFormat = bits.unsigned()
  if (chromaFormat === 3) bits.flag()
  const bitDepth = 8 + Math.max(bits.unsigned(), bits.unsigned())
  bits.flag()
  if (bits.flag()) {
    for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++) {
      if (bits.flag()) skipScalingList(bits, list < 6 ? 16 : 64)
    }
  }
  return { chromaFormat, bitDepth }
}

/** §7.3.2.1.1.1 */
function skipScalingList(bits: Bits, size: number): void {
  let last = 8
  for (let index = 0; index < size; index++) {
    last = (last + bits.signed() + 256) % 256
    // The rest of the list repeats the last one.
    if (last === 0) return
  }
}

function skipPictureOrder(bits: Bits): void {
  const type = bits.unsigned()
  if (type === 0) bits.unsigned()
  if (type !== 1) return
  bits.flag()
  bits.signed()
  bits.signed()
  const count = bits.unsigned()
  if (count > 255) throw new BmffError('the sequence parameter set has a cycle beyond all reason')
  for (let index = 0; index < count; index++) bits.signed()
}

/** The VUI begins with it (§E.1.1); nothing behind it is needed. */
function readPixelShape(bits: Bits): number {
  if (!bits.flag() || !bits.flag()) return 1
  const index = bits.take(8)
  const [width, height] = index === EXTENDED_SAR ? [bits.take(16), bits.take(16)] : (SHAPES[index] ?? [1, 1])
  return width > 0 && height > 0 ? width / height : 1
}
