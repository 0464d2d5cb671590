// Sample entries: what a track is coded with, as RFC 6381 writes it. H.264 and AAC, because nothing
// else is ever published; anything else is an error.
import { BmffError, type Box, only, Reader, splitBoxes } from '#media/bmff-boxes.ts'

// Bytes before the child boxes (ISO/IEC 14496-12 §12.1.3, §12.2.3).
const VISUAL_ENTRY_BYTES = 78
const AUDIO_ENTRY_BYTES = 28

// By channelConfiguration (ISO/IEC 14496-3 table 1.19); 0 would mean a layout described in the stream.
const CHANNELS = [undefined, 1, 2, 3, 4, 5, 6, 8]

export interface VideoFormat {
  kind: 'video'
  /** such as avc1.64001f */
  codec: string
  width: number
  height: number
  /** of the length before each NAL unit */
  nalLengthBytes: number
}

export interface AudioFormat {
  kind: 'audio'
  /** such as mp4a.40.2 */
  codec: string
  channels: number
  sampleRate: number
}

/** @param entry the one entry of an stsd box */
export function readSampleEntry(entry: Box): VideoFormat | AudioFormat {
  switch (entry.type) {
    case 'avc1':
      return readAvc(entry)
    case 'mp4a':
      return readAac(entry)
    default:
      throw new BmffError(`sample entry ${JSON.stringify(entry.type)} is neither avc1 nor mp4a`)
  }
}

/** avcC: ISO/IEC 14496-15 §5.3.3; its string: RFC 6381 §3.3. */
function readAvc(entry: Box): VideoFormat {
  const reader = new Reader(entry.body, 'avc1')
  const width = reader.skip(24).u16()
  const height = reader.u16()
  const children = splitBoxes(reader.skip(VISUAL_ENTRY_BYTES - reader.position).bytes(reader.left))
  const avcC = new Reader(only(children, 'avcC').body, 'avcC')
  if (avcC.u8() !== 1) throw new BmffError('avcC has an unknown version')
  const profileAndLevel = avcC.bytes(3).toString('hex')
  return {
    kind: 'video',
    codec: `avc1.${profileAndLevel}`,
    width,
    height,
    nalLengthBytes: (avcC.u8() & 3) + 1,
  }
}

/** esds: ISO/IEC 14496-14 §5.6, descriptors ISO/IEC 14496-1 §7.2.6; its string: RFC 6381 §3.3. */
function readAac(entry: Box): AudioFormat {
  const reader = new Reader(entry.body, 'mp4a')
  const sampleRate = reader.skip(24).u16()
  const children = splitBoxes(reader.skip(AUDIO_ENTRY_BYTES - reader.position).bytes(reader.left))
  const esds = new Reader(only(children, 'esds').body, 'esds')
  esds.full()
  const es = descriptor(esds, 0x03)
  const flags = es.skip(2).u8()
  if (flags & 0x80) es.skip(2)
  if (flags & 0x40) es.skip(es.u8())
  if (flags & 0x20) es.skip(2)
  const config = descriptor(es, 0x04)
  if (config.u8() !== 0x40) throw new BmffError('mp4a holds something other than MPEG-4 audio')
  const { objectType, channels } = readAudioConfig(descriptor(config.skip(12), 0x05))
  return { kind: 'audio', codec: `mp4a.40.${objectType}`, channels, sampleRate }
}

function descriptor(reader: Reader, tag: number): Reader {
  if (reader.u8() !== tag) throw new BmffError(`esds has no descriptor ${tag} where it belongs`)
  let size = 0
  // At most four bytes with seven bits each; a set high bit says that another follows (§8.3.3).
  for (let count = 0; count < 4; count++) {
    const byte = reader.u8()
    size = (size << 7) | (byte & 0x7f)
    if (byte < 0x80) return new Reader(reader.bytes(size), `descriptor ${tag}`)
  }
  throw new BmffError('a descriptor has a size without end')
}

/**
 * AudioSpecificConfig, ISO/IEC 14496-3 §1.6.2.1. Its channels are the ones that are played: FFmpeg
 * writes 2 into every sample entry, mono too.
 */
function readAudioConfig(config: Reader): { objectType: number; channels: number } {
  const bits = [...config.bytes(config.left)].map(byte => byte.toString(2).padStart(8, '0')).join('')
  let position = 0
  const take = (count: number): number => {
    position += count
    if (position > bits.length) throw new BmffError('the AAC configuration ends too early')
    return Number.parseInt(bits.slice(position - count, position), 2)
  }
  const first = take(5)
  const objectType = first === 31 ? 32 + take(6) : first
  // Index 15: the rate itself follows.
  if (take(4) === 15) take(24)
  const channels = CHANNELS[take(4)]
  if (channels === undefined) throw new BmffError('AAC with a channel layout that is not a standard one')
  return { objectType, channels }
}
