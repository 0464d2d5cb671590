// Sample entries: what a track is coded with, as RFC 6381 writes it. H.264 and AAC, because nothing
// else is ever published; anything else is an error.
import { Bits } from '#media/bits.ts'
import { BmffError, type Box, descend, only, Reader, splitBoxes } from '#media/bmff-boxes.ts'

// Bytes before the child boxes (ISO/IEC 14496-12 §12.1.3, §12.2.3).
const VISUAL_ENTRY_BYTES = 78
const AUDIO_ENTRY_BYTES = 28

// By channelConfiguration (ISO/IEC 14496-3 table 1.19); 0 would mean a layout described in the stream.
const CHANNELS = [undefined, 1, 2, 3, 4, 5, 6, 8]
// By samplingFrequencyIndex (table 1.18).
const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350]

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
  /** of the AAC core: half of what is heard where HE-AAC doubles it */
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

function readAvc(entry: Box): VideoFormat {
  const { width, height, avcC } = readAvcEntry(entry)
  return {
    kind: 'video',
    codec: `avc1.${avcC.profileAndLevel.toString('hex')}`,
    width,
    height,
    nalLengthBytes: avcC.nalLengthBytes,
  }
}

export interface AvcEntry {
  width: number
  height: number
  children: Box[]
  avcC: {
    /** profile, constraint flags, level: the first three bytes of an SPS (RFC 6381 §3.3) */
    profileAndLevel: Buffer
    nalLengthBytes: number
    /** whole NAL units */
    sps: Buffer[]
    pps: Buffer[]
  }
}

/** avc1 and its avcC: ISO/IEC 14496-15 §5.3.3. */
export function readAvcEntry(entry: Box): AvcEntry {
  const reader = new Reader(entry.body, 'avc1')
  const width = reader.skip(24).u16()
  const height = reader.u16()
  const children = splitBoxes(reader.skip(VISUAL_ENTRY_BYTES - reader.position).bytes(reader.left))
  const avcC = new Reader(only(children, 'avcC').body, 'avcC')
  if (avcC.u8() !== 1) throw new BmffError('avcC has an unknown version')
  const profileAndLevel = avcC.bytes(3)
  const nalLengthBytes = (avcC.u8() & 3) + 1
  const units = (count: number) => Array.from({ length: count }, () => avcC.bytes(avcC.u16()))
  const sps = units(avcC.u8() & 31)
  return { width, height, children, avcC: { profileAndLevel, nalLengthBytes, sps, pps: units(avcC.u8()) } }
}

/** esds: ISO/IEC 14496-14 §5.6, descriptors ISO/IEC 14496-1 §7.2.6; its string: RFC 6381 §3.3. */
function readAac(entry: Box): AudioFormat {
  const reader = new Reader(entry.body, 'mp4a')
  // QuickTime's version 1 has four words more, and its esds in a box of its own ("wave").
  const isQuickTime = reader.skip(8).u16() === 1
  reader.skip(AUDIO_ENTRY_BYTES - reader.position + (isQuickTime ? 16 : 0))
  const children = splitBoxes(reader.bytes(reader.left))
  const holder = children.some(box => box.type === 'wave') ? ['wave', 'esds'] : ['esds']
  const esds = new Reader(descend(children, ...holder).body, 'esds')
  esds.full()
  const es = descriptor(esds, 0x03)
  const flags = es.skip(2).u8()
  if (flags & 0x80) es.skip(2)
  if (flags & 0x40) es.skip(es.u8())
  if (flags & 0x20) es.skip(2)
  const config = descriptor(es, 0x04)
  if (config.u8() !== 0x40) throw new BmffError('mp4a holds something other than MPEG-4 audio')
  const { objectType, channels, sampleRate } = readAudioConfig(descriptor(config.skip(12), 0x05))
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
function readAudioConfig(config: Reader): { objectType: number; channels: number; sampleRate: number } {
  const bits = new Bits(config.bytes(config.left), 'the AAC configuration')
  const first = bits.take(5)
  const objectType = first === 31 ? 32 + bits.take(6) : first
  const index = bits.take(4)
  // Index 15: the rate itself follows.
  const sampleRate = index === 15 ? bits.take(24) : AAC_RATES[index]
  const channels = CHANNELS[bits.take(4)]
  if (channels === undefined) throw new BmffError('AAC with a channel layout that is not a standard one')
  if (!sampleRate) throw new BmffError('AAC with a sample rate that does not exist')
  return { objectType, channels, sampleRate }
}
