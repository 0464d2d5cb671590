// Whether an MP4 or MOV is encrypted (ISO/IEC 23001-7). FFmpeg 5.1 does not say so: it puts the
// original format in the place of `encv`, and its decoder makes noise of what it reads.
import { type FileHandle, open } from 'node:fs/promises'

// Longer indexes exist only for videos that last days; and a file is no chain of a thousand boxes.
const MAX_MOOV_BYTES = 64 * 1024 ** 2
const MAX_BOXES = 1000
const HEADER_BYTES = 16
// From the type of an stsd box to that of its first entry: type, version and flags, count, size.
const STSD_TO_ENTRY = 16

/** False for whatever is no MP4. */
export async function isEncryptedMp4(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const moov = await readMoov(handle)
    return moov !== null && sampleEntries(moov).some(type => /^enc[vast]$/.test(type))
  } finally {
    await handle.close()
  }
}

async function readMoov(handle: FileHandle): Promise<Buffer | null> {
  let offset = 0
  for (let count = 0; count < MAX_BOXES; count++) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, offset)
    if (bytesRead < HEADER_BYTES) return null
    const small = buffer.readUInt32BE(0)
    const size = small === 1 ? Number(buffer.readBigUInt64BE(8)) : small
    const isLast = small === 0
    if (buffer.toString('latin1', 4, 8) === 'moov') {
      const length = isLast ? MAX_MOOV_BYTES : Math.min(size, MAX_MOOV_BYTES)
      const moov = await handle.read(Buffer.alloc(length), 0, length, offset)
      return moov.buffer.subarray(0, moov.bytesRead)
    }
    if (isLast || size < 8) return null
    offset += size
  }
  return null
}

/** The type of each track's first sample entry. */
function sampleEntries(moov: Buffer): string[] {
  const types: string[] = []
  for (let at = moov.indexOf('stsd'); at >= 0; at = moov.indexOf('stsd', at + 1)) {
    types.push(moov.toString('latin1', at + STSD_TO_ENTRY, at + STSD_TO_ENTRY + 4))
  }
  return types
}
