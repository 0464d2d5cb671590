// How the colours of a source are coded: what ffprobe says, and what is taken for granted where it says
// nothing. Must not know what is made of them.
import { z } from 'zod'
import { VideoError } from '../errors.ts'

export const colourSchema = z.object({
  /** what the values mean: shown as they are, or light by SMPTE ST 2084 (PQ) or ARIB STD-B67 (HLG) */
  transfer: z.enum(['sdr', 'pq', 'hlg']),
  primaries: z.enum(['bt709', 'smpte170m', 'smpte432', 'bt2020']),
  /** between RGB and what is coded, as FFmpeg names it; gbr: none */
  matrix: z.enum(['gbr', 'bt709', 'fcc', 'bt470bg', 'smpte170m', 'smpte240m', 'bt2020nc']),
  /** tv: black is 16 of 255 and white is 235 */
  range: z.enum(['tv', 'pc']),
})
export type Colour = z.output<typeof colourSchema>

/** What everything is published in, and most phones write. */
export const BT709: Colour = { transfer: 'sdr', primaries: 'bt709', matrix: 'bt709', range: 'tv' }

/** Whether a table has to make BT.709 of it: beyond another matrix or range, which scaling sees to. */
export function needsTable({ transfer, primaries }: Colour): boolean {
  return transfer !== 'sdr' || primaries !== 'bt709'
}

interface Said {
  width?: number | undefined
  height?: number | undefined
  pix_fmt?: string | undefined
  color_transfer?: string | undefined
  color_primaries?: string | undefined
  color_space?: string | undefined
  color_range?: string | undefined
  /** fluent-ffmpeg puts side data among the stream's own fields */
  dv_profile?: string | undefined
  dv_bl_signal_compatibility_id?: string | undefined
}

/**
 * @param said a stream as ffprobe writes it, its size as it is coded
 * @throws VideoError when it can only be shown by what knows Dolby Vision
 */
export function readColour(said: Said): Colour {
  requireBase(said)
  const transfer = TRANSFERS[said.color_transfer ?? ''] ?? 'sdr'
  const primaries = PRIMARIES[said.color_primaries ?? '']
  const matrix = matrixOf(said, transfer !== 'sdr' || primaries === 'bt2020')
  const isWide = transfer !== 'sdr' || matrix === 'bt2020nc'
  return {
    transfer,
    primaries: primaries ?? (isWide ? 'bt2020' : 'bt709'),
    matrix,
    range: matrix === 'gbr' || said.color_range === 'pc' || said.pix_fmt?.startsWith('yuvj') ? 'pc' : 'tv',
  }
}

/**
 * Dolby's profile 5 is no picture without its metadata: green and purple. All others have a base that is
 * HDR10, HLG or SDR and says so itself (Dolby Vision profiles and levels, "cross-compatibility ID"; discs
 * of profile 7 are older than the field).
 */
function requireBase({ dv_profile, dv_bl_signal_compatibility_id: base }: Said): void {
  if (dv_profile === undefined || dv_profile === '7' || base !== '0') return
  throw new VideoError(
    'dolby_vision',
    `The picture is in a Dolby Vision (profile ${dv_profile}) that only its own players can show. Export it as HDR10, HLG or SDR and upload that.`,
  )
}

// All others (gamma, sRGB, BT.601, BT.2020 for SDR) look the same on the screens of today.
const TRANSFERS: Record<string, Colour['transfer']> = { smpte2084: 'pq', 'arib-std-b67': 'hlg' }

const PRIMARIES: Record<string, Colour['primaries']> = {
  bt709: 'bt709',
  // BT.601 with 625 lines: only its green is another one, by a hundredth.
  bt470bg: 'bt709',
  smpte170m: 'smpte170m',
  smpte240m: 'smpte170m',
  smpte432: 'smpte432',
  bt2020: 'bt2020',
}

const MATRICES: Record<string, Colour['matrix']> = {
  gbr: 'gbr',
  bt709: 'bt709',
  fcc: 'fcc',
  bt470bg: 'bt470bg',
  smpte170m: 'smpte170m',
  smpte240m: 'smpte240m',
  bt2020nc: 'bt2020nc',
  bt2020c: 'bt2020nc',
}
const RGB = /^([ax0]?(rgb|bgr)|gbr|pal8|x2)/
const HD = { width: 1280, height: 720 }

/** Where nothing is said it is BT.601 below 720 lines and BT.709 from there on, as browsers have it. */
function matrixOf({ color_space, pix_fmt, width = 0, height = 0 }: Said, isWide: boolean): Colour['matrix'] {
  if (RGB.test(pix_fmt ?? '')) return 'gbr'
  const said = MATRICES[color_space ?? '']
  if (said) return said
  if (isWide) return 'bt2020nc'
  return width < HD.width && height < HD.height ? 'smpte170m' : 'bt709'
}
