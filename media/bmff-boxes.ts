// Boxes of the ISO base media file format (ISO/IEC 14496-12 §4.2) and safe reading inside of one.
// Must not know what any box means.

/** The bytes are not what the format says, or not what our own FFmpeg settings write. */
export class BmffError extends Error {
  override name = 'BmffError'
}

export interface Box {
  type: string
  /** where the box begins, from the beginning of the buffer that was split */
  offset: number
  /** where its body begins */
  bodyOffset: number
  body: Buffer
}

// Of one container. Sixty megabytes of empty boxes would become gigabytes of objects.
const MAX_BOXES = 10_000

/** Splits a buffer that consists of boxes and nothing else. Views, not copies. */
export function splitBoxes(buffer: Buffer): Box[] {
  const boxes: Box[] = []
  for (let offset = 0; offset < buffer.length; ) {
    // QuickTime may end a list of boxes with a zero word.
    if (buffer.length - offset === 4 && buffer.readUInt32BE(offset) === 0) break
    if (boxes.length === MAX_BOXES) throw new BmffError('there are too many boxes')
    const reader = new Reader(buffer.subarray(offset), `the box at ${offset}`)
    const size32 = reader.u32()
    const type = reader.bytes(4).toString('latin1')
    // Size 1: 64 bits follow. Size 0, "to the end of the file", is no way to end a segment that was
    // written completely.
    const size = size32 === 1 ? reader.u64() : size32
    if (size < reader.position || size > buffer.length - offset) {
      throw new BmffError(`${printable(type)} at ${offset} claims ${size} of ${buffer.length - offset} bytes`)
    }
    const bodyOffset = offset + reader.position
    boxes.push({ type, offset, bodyOffset, body: buffer.subarray(bodyOffset, offset + size) })
    offset += size
  }
  return boxes
}

/**
 * Whether a file ends before its last box does, which is to be of this type. A segment that has its type
 * alone is whole: there was nothing to be in it.
 */
export function isCutShort(buffer: Buffer, lastType: string): boolean {
  try {
    const types = splitBoxes(buffer).map(({ type }) => type)
    return types.join() !== 'styp' && types.at(-1) !== lastType
  } catch {
    return true
  }
}

/** The one box of a type in a container, or an error. */
export function only(boxes: Box[], type: string): Box {
  const [box, second] = boxes.filter(candidate => candidate.type === type)
  if (!box) throw new BmffError(`there is no ${type}`)
  if (second) throw new BmffError(`there is more than one ${type}`)
  return box
}

/** Follows containers down: `descend(trak, 'mdia', 'mdhd')`. */
export function descend(boxes: Box[], ...types: string[]): Box {
  const [type = '', ...rest] = types
  const box = only(boxes, type)
  return rest.length === 0 ? box : descend(splitBoxes(box.body), ...rest)
}

/** Reads big-endian fields in order; past the end is a BmffError, never another box's bytes. */
export class Reader {
  position = 0
  readonly buffer: Buffer
  readonly what: string

  constructor(buffer: Buffer, what: string) {
    this.buffer = buffer
    this.what = what
  }

  get left(): number {
    return this.buffer.length - this.position
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw new BmffError(`${this.what} ends too early`)
    this.position += count
    return this.buffer.subarray(this.position - count, this.position)
  }

  skip(count: number): this {
    this.bytes(count)
    return this
  }

  u8(): number {
    return this.bytes(1).readUInt8()
  }

  u16(): number {
    return this.bytes(2).readUInt16BE()
  }

  u32(): number {
    return this.bytes(4).readUInt32BE()
  }

  i32(): number {
    return this.bytes(4).readInt32BE()
  }

  u64(): number {
    return this.safe(this.bytes(8).readBigUInt64BE())
  }

  i64(): number {
    return this.safe(this.bytes(8).readBigInt64BE())
  }

  /** 64 bits in version 1 of a box, else 32. */
  word(version: number): number {
    return version === 1 ? this.u64() : this.u32()
  }

  /** FullBox: version and flags (§4.2.2). */
  full(): { version: number; flags: number } {
    const word = this.u32()
    return { version: word >>> 24, flags: word & 0xffffff }
  }

  private safe(value: bigint): number {
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw new BmffError(`${this.what} has a number beyond all reason`)
    return number
  }
}

function printable(type: string): string {
  return JSON.stringify(type)
}
