// Whether every player decodes and shows a picture as it is: judged by the parameter sets inside the
// stream, which the container and ffprobe must agree with.

import { type Box, only, Reader } from '#media/bmff-boxes.ts'
import { type AvcEntry, readAvcEntry } from '#media/bmff-codec.ts'
import { readSps, type Sps } from '#media/h264.ts'
import { type MovieTrack, readLayout, readSampleEntries } from '#media/movie.ts'
import { demand } from './copy-refusal.ts'
import type { Facts } from './facts.ts'

const BASELINE = 66
const PROFILES = [BASELINE, 77, 100]
const CONSTRAINED = 0x40
const MAX_LEVEL = 51
const [MAX_LONG_SIDE, MAX_SHORT_SIDE] = [1920, 1080]
const PIXEL_FORMATS = ['yuv420p', 'yuvj420p']
// A display size is rounded to whole pixels: what is nearer to square than this was meant as square.
const SHAPE_TOLERANCE = 0.01

/** @throws Refusal, BmffError */
export function requirePlainPicture(track: MovieTrack, stbl: Box[], { video }: Facts): AvcEntry {
  const [entry, another] = readSampleEntries(stbl)
  demand(entry?.type !== 'encv', 'encrypted', 'the picture is encrypted')
  demand(entry?.type === 'avc1', 'not avc1', `the picture is coded as ${JSON.stringify(entry?.type)}`)
  demand(!another, 'changing parameter sets', 'the picture has several sample entries')
  const avc = readAvcEntry(entry)
  const { sps, pps, profileAndLevel, nalLengthBytes } = avc.avcC
  const sets = sps.map(readSps)
  const [first] = sets
  demand(
    first !== undefined && pps.length > 0 && nalLengthBytes !== 3,
    'unreadable index',
    'avcC is not whole',
  )
  const isOne = sets.every(set => set.width === first.width && set.height === first.height)
  demand(isOne, 'changing parameter sets', 'the parameter sets are of different sizes')
  for (const set of sets) requirePlainCoding(set)
  demand(PIXEL_FORMATS.includes(video.pixelFormat), 'pixel format', `ffprobe says ${video.pixelFormat}`)
  // Shown by few as it is meant, and grey by all others.
  const { transfer } = video.colour
  demand(transfer === 'sdr', 'high dynamic range', `the transfer is ${transfer}`)
  demand(
    sps.some(set => set.subarray(1, 4).equals(profileAndLevel)),
    'profile',
    'avcC and the parameter sets are of different profiles or levels',
  )
  requireSquarePixels(track, avc, sets)
  requireSaneSize(first, avc, video)
  return avc
}

function requirePlainCoding(sps: Sps): void {
  const { profile, constraints, level, chromaFormat, bitDepth } = sps
  demand(
    chromaFormat === 1 && bitDepth === 8,
    'pixel format',
    `chroma format ${chromaFormat}, ${bitDepth} bits: not 4:2:0 with 8`,
  )
  // Plain Baseline may have slice groups and arbitrary order, which no player of today decodes.
  const isPlain = PROFILES.includes(profile) && (profile !== BASELINE || (constraints & CONSTRAINED) !== 0)
  demand(
    isPlain,
    'profile',
    `profile ${profile} with constraints ${constraints.toString(2).padStart(8, '0')}`,
  )
  demand(level <= MAX_LEVEL, 'level', `level ${level / 10}`)
  demand(sps.isProgressive, 'interlaced', 'fields may occur')
}

function requireSquarePixels(track: MovieTrack, { children, width, height }: AvcEntry, sets: Sps[]): void {
  const layout = readLayout(track)
  demand(layout.isUpright, 'rotated', 'the track is turned, mirrored or moved')
  for (const { pixelShape } of sets) {
    demand(pixelShape === 1, 'pixel shape', `the stream's pixels have the shape ${pixelShape}`)
  }
  if (children.some(box => box.type === 'pasp')) {
    const pasp = new Reader(only(children, 'pasp').body, 'pasp')
    const [across, down] = [pasp.u32(), pasp.u32()]
    demand(across === down, 'pixel shape', `the container's pixels have the shape ${across}:${down}`)
  }
  // 0 × 0: not said.
  if (layout.width === 0 || layout.height === 0) return
  const shape = layout.width / layout.height / (width / height)
  demand(
    Math.abs(shape - 1) <= SHAPE_TOLERANCE,
    'pixel shape',
    `shown as ${layout.width}×${layout.height}, coded as ${width}×${height}`,
  )
}

/** Odd sizes lie: 4:2:0 has none, in a parameter set. */
function requireSaneSize(sps: Sps, entry: AvcEntry, video: Facts['video']): void {
  const sizes = [sps, entry, video].map(({ width, height }) => `${width}×${height}`)
  demand(
    sizes.every(size => size === sizes[0]),
    'lying size',
    `parameter set, container and ffprobe: ${sizes.join(', ')}`,
  )
  const { width, height } = sps
  const fits = Math.max(width, height) <= MAX_LONG_SIDE && Math.min(width, height) <= MAX_SHORT_SIDE
  demand(fits, 'too large', `${width}×${height}`)
}
