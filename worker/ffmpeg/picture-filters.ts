// What happens to every picture of a source before and while it is scaled, as FFmpeg's filters.
import { isDeepStrictEqual } from 'node:util'
import { BT709, type Colour, needsTable } from './colour.ts'
import { COLOUR_TABLE } from './colour-table.ts'
import { BEYOND_SECONDS, evenAbove, type Plan } from './plan.ts'

// Without them swscale is quicker, and three of 255 beside the truth.
const EXACT = 'flags=bicubic+accurate_rnd+full_chroma_int'

// FFmpeg 5.1 leaves the tags of what it converts as they were.
const TAGS = 'setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv'

/** After a size: 8-bit 4:2:0 BT.709, which says that it is. */
export const TO_BT709 = `out_color_matrix=bt709:out_range=tv,format=yuv420p,${TAGS}`

const AS_JPEG = 'out_color_matrix=bt601:out_range=pc,format=yuvj420p'

/** After a size: JPEG is BT.601 in all of its range (JFIF), WebP in a part of it (RFC 9649). */
export const FOR_JPEG = `${EXACT}:${AS_JPEG}`
export const FOR_WEBP = `${EXACT}:out_color_matrix=bt601:out_range=tv,format=yuv420p`

/** After a size of a few pixels: each is the mean of what it stands for. */
export const FOR_TINY_JPEG = `flags=area+accurate_rnd+full_chroma_int:${AS_JPEG}`

/** Says what the pictures are in, whatever they say themselves: scaling goes by it. */
export function taken({ matrix, range }: Colour): string {
  return `setparams=colorspace=${matrix}:range=${range}`
}

/** Everything that is the same for all rungs, once. */
export function preparePicture(plan: Plan): string {
  const { videoIndex, frameRate, source, rungs, maxDurationSeconds } = plan
  return [
    // A constant rate from zero: every rung then has its keyframes at the same times.
    `[0:${videoIndex}]fps=${frameRate.num}/${frameRate.den}:start_time=0`,
    // Before a picture that begins in twenty hours there are two million of it. An output's own end keeps
    // them out of the file, but not from being made.
    `trim=end=${maxDurationSeconds + BEYOND_SECONDS}`,
    taken(source.colour),
    ...(isPrepared(plan) ? convert(source, rungs, isPadded(plan)) : []),
  ].join(',')
}

/** Whether what comes of it is of one size and in BT.709 already. */
export function isPrepared(plan: Pick<Plan, 'source' | 'rungs'>): boolean {
  return isPadded(plan) || !isDeepStrictEqual(plan.source.colour, BT709)
}

function isPadded({ source, rungs }: Pick<Plan, 'source' | 'rungs'>): boolean {
  return isOwnSize(source, rungs) && (source.width % 2 === 1 || source.height % 2 === 1)
}

/**
 * Scales to a size; a picture of another shape than the source began with (a phone that was turned, a
 * window that was resized) stands in the middle of it, on black. Rounded by a pixel it is the same shape.
 * @param options of `scale`, and the filters that follow it
 */
export function fit(source: Size, { width, height }: Size, options: string): string {
  // As facts.ts has it of pixels.
  const wide = 'iw*if(between(sar,0.1,10),sar,1)'
  const shape = `${source.width}/${source.height}`
  const isSame = `lte(abs(${wide}-ih*${shape}),max(1,iw/50))`
  const side = (whole: number, fitting: string) =>
    `if(${isSame},${whole},max(2,2*floor(min(${whole},${fitting})/2)))`.replaceAll(',', '\\,')
  const [w, h] = [side(width, `${height}*${wide}/ih`), side(height, `${width}*ih/(${wide})`)]
  return `scale=w=${w}:h=${h}:eval=frame:${options},pad=${width}:${height}:-1:-1:eval=frame`
}
type Size = Pick<Plan['source'], 'width' | 'height'>

/** Whether the tallest rung has the source's own size, but for a side that is odd. */
function isOwnSize({ width, height }: Plan['source'], [tallest]: Plan['rungs']): boolean {
  return tallest?.width === evenAbove(width) && tallest.height === evenAbove(height)
}

/** At the size of the tallest rung: each pixel costs, and more of them would be thrown away. */
function convert(source: Plan['source'], rungs: Plan['rungs'], isPadded: boolean): string[] {
  const size = isPadded ? source : (rungs[0] ?? source)
  const padding = isPadded ? pad(source) : []
  const asBt709 = 'out_color_matrix=bt709:out_range=tv'
  if (!needsTable(source.colour)) {
    const format = isPadded ? 'yuv444p' : 'yuv420p'
    return [fit(source, size, `${EXACT}:${asBt709},format=${format},${TAGS}`), ...padding]
  }
  return [
    // Of all formats lut3d is quickest with this one: with ten bits it takes four times as long.
    fit(source, size, `${EXACT},format=gbrp16le`),
    ...[...padding, `lut3d=file=${COLOUR_TABLE}:interp=tetrahedral`],
    // What HDR says of its light is true no more.
    'sidedata=mode=delete',
    ...[`scale=${EXACT}:${asBt709}`, 'format=yuv420p', TAGS],
  ]
}

/** In a format that has a colour for each pixel: repeats the last column, and the last row. */
function pad({ width, height }: Plan['source']): string[] {
  const [right, bottom] = [width % 2, height % 2]
  return [`pad=${width + right}:${height + bottom}`, `fillborders=right=${right}:bottom=${bottom}:mode=smear`]
}
