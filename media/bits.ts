// Reads fields of a few bits, first bit first. Must not know what they mean.
import { BmffError } from '#media/bmff-boxes.ts'

export class Bits {
  private position = 0
  private readonly bytes: Buffer
  private readonly what: string

  constructor(bytes: Buffer, what: string) {
    this.bytes = bytes
    this.what = what
  }

  /** @param count at most 32 */
  take(count: number): number {
    let value = 0
    for (let left = count; left > 0; left--) {
      const byte = this.bytes[this.position >> 3]
      if (byte === undefined) throw new BmffError(`${this.what} ends too early`)
      value = value * 2 + ((byte >> (7 - (this.position & 7))) & 1)
      this.position++
    }
    return value
  }

  flag(): boolean {
    return this.take(1) === 1
  }

  /** ue(v), Exp-Golomb: ISO/IEC 14496-10 §9.1 */
  unsigned(): number {
    let zeros = 0
    while (!this.flag()) {
      if (++zeros > 31) throw new BmffError(`${this.what} has a number beyond all reason`)
    }
    return 2 ** zeros - 1 + this.take(zeros)
  }

  /** se(v): §9.1.1 */
  signed(): number {
    const code = this.unsigned()
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2
  }
}
