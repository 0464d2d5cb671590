// Why a picture is not cut by stream copy, but encoded. Nothing of it is an error: every video plays.

export type CopyRefusal =
  // the file
  | 'not an MP4'
  | 'fragmented'
  | 'encrypted'
  | 'several pictures'
  | 'unreadable index'
  | 'cut short'
  // what it is coded with
  | 'not avc1'
  | 'changing parameter sets'
  | 'profile'
  | 'level'
  | 'pixel format'
  | 'high dynamic range'
  | 'interlaced'
  // how it is shown
  | 'rotated'
  | 'pixel shape'
  | 'lying size'
  | 'too large'
  // when
  | 'edit list'
  | 'late picture'
  | 'odd timestamps'
  | 'wild rate'
  | 'open GOP'
  | 'sparse keyframes'
  | 'dense keyframes'
  | 'bit rate'

export class Refusal extends Error {
  readonly reason: CopyRefusal
  constructor(reason: CopyRefusal, detail: string) {
    super(detail)
    this.reason = reason
  }
}

/** @throws Refusal unless it holds */
export function demand(holds: boolean, reason: CopyRefusal, detail: string): asserts holds {
  if (!holds) throw new Refusal(reason, detail)
}
