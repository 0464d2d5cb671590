// Whether an MP4 or MOV is encrypted (ISO/IEC 23001-7). FFmpeg 5.1 does not say so: it puts the
// original format in the place of `encv`, and its decoder makes noise of what it reads.
import { open } from 'node:fs/promises'
import { readMoov } from '#media/movie.ts'

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

/** The type of each track's first sample entry. */
function sampleEntries(moov: Buffer): string[] {
  const types: string[] = []
  for (let at = moov.indexOf('stsd'); at >= 0; at = moov.indexOf('stsd', at + 1)) {
    types.push(moov.toString('latin1', at + STSD_TO_ENTRY, at + STSD_TO_ENTRY + 4))
  }
  return types
}
