// Colours of any kind → BT.709 for a screen of today, as a table for FFmpeg's lut3d: arithmetic on light.
// Why a table, and why these curves: docs/decisions/0012-one-table-makes-bt709.md.
import { writeScratch } from '../scratch-files.ts'
import { type Colour, needsTable } from './colour.ts'
import type { Plan } from './plan.ts'

/** In the attempt's scratch folder, which is FFmpeg's working directory. */
export const COLOUR_TABLE = 'colour.cube'

type Light = [red: number, green: number, blue: number]

const NODES = 33
// White in SDR is the reference white of HDR (ITU-R BT.2408), in nits (cd/m²).
const WHITE_NITS = 203
// HLG's system gamma is given for it, and phones master PQ for about as much; what is brighter is white.
const PEAK_NITS = 1000
// ITU-R BT.1886, for a black that is black.
const SCREEN_GAMMA = 2.4

/** Where the source needs one. */
export async function writeColourTable(scratch: string, { source }: Pick<Plan, 'source'>): Promise<void> {
  if (needsTable(source.colour)) await writeScratch(scratch, COLOUR_TABLE, colourTable(source.colour))
}

/** Adobe's .cube: red changes fastest. */
function colourTable({ transfer, primaries }: Pick<Colour, 'transfer' | 'primaries'>): string {
  const decoded = Array.from({ length: NODES }, (_, node) => DECODE[transfer](node / (NODES - 1)))
  const lines = [`LUT_3D_SIZE ${NODES}`]
  for (const blue of decoded) {
    for (const green of decoded) {
      for (const red of decoded) {
        const shown = RENDER[transfer]([red, green, blue], primaries)
        const codes = intoGamut(toBt709(shown, primaries)).map(light => light ** (1 / SCREEN_GAMMA))
        lines.push(codes.map(code => code.toFixed(4)).join(' '))
      }
    }
  }
  return `${lines.join('\n')}\n`
}

/** A code value → light: 1 is white (SDR), in nits (PQ), or of the scene before the camera (HLG). */
const DECODE: Record<Colour['transfer'], (code: number) => number> = {
  sdr: code => code ** SCREEN_GAMMA,
  pq: pqToNits,
  // ITU-R BT.2100, table 5
  hlg: code => (code <= 0.5 ? code ** 2 / 3 : (Math.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12),
}

/** What was decoded → light on the screen, 1 for white. */
const RENDER: Record<Colour['transfer'], (light: Light, primaries: Colour['primaries']) => Light> = {
  sdr: light => light,
  pq: rollOff,
  // Table 5's OOTF, at PEAK_NITS
  hlg: (scene, primaries) => {
    const luminance = Math.max(0, luminanceOf(toBt709(scene, primaries)))
    return rollOff(times(scene, PEAK_NITS * luminance ** 0.2))
  },
}

/** By the brightest of the three, for all of them: hue and saturation stay. */
function rollOff(nits: Light): Light {
  const brightest = Math.max(...nits)
  return times(nits, brightest === 0 ? 0 : rolledOff(brightest) / brightest / WHITE_NITS)
}

/** ITU-R BT.2390's EETF from PEAK_NITS to WHITE_NITS: up to 90 nits nothing changes, 203 become 159. */
function rolledOff(nits: number): number {
  const peak = nitsToPq(PEAK_NITS)
  const most = nitsToPq(WHITE_NITS) / peak
  const from = Math.min(1, nitsToPq(nits) / peak)
  const knee = 1.5 * most - 0.5
  if (from < knee) return nits
  const t = (from - knee) / (1 - knee)
  const spline =
    (2 * t ** 3 - 3 * t ** 2 + 1) * knee +
    (t ** 3 - 2 * t ** 2 + t) * (1 - knee) +
    (3 * t ** 2 - 2 * t ** 3) * most
  return pqToNits(spline * peak)
}

// SMPTE ST 2084
const [M1, M2] = [2610 / 16384, (2523 / 4096) * 128]
const [C1, C2, C3] = [3424 / 4096, (2413 / 4096) * 32, (2392 / 4096) * 32]

function pqToNits(code: number): number {
  const root = code ** (1 / M2)
  return 10_000 * (Math.max(0, root - C1) / (C2 - C3 * root)) ** (1 / M1)
}

function nitsToPq(nits: number): number {
  const power = (nits / 10_000) ** M1
  return ((C1 + C2 * power) / (1 + C3 * power)) ** M2
}

/**
 * What BT.709 does not have becomes paler, at its own luminance, until no part of it is below zero; and
 * darker until none is above one. Its hue stays.
 */
function intoGamut(light: Light): Light {
  const grey = luminanceOf(light)
  const kept = Math.min(1, ...light.map(each => (each < 0 ? grey / (grey - each) : 1)))
  const [red, green, blue] = light
  const paler: Light = [
    Math.max(0, grey + (red - grey) * kept),
    Math.max(0, grey + (green - grey) * kept),
    Math.max(0, grey + (blue - grey) * kept),
  ]
  return times(paler, 1 / Math.max(1, ...paler))
}

const BT709_LUMINANCE: Light = [0.212639, 0.715169, 0.072192]

/** Light of one set of primaries → that of BT.709, all with D65 (by the chromaticities of ITU-T H.273). */
const TO_BT709: Record<Colour['primaries'], [Light, Light, Light]> = {
  bt709: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  smpte170m: [
    [0.939542, 0.050181, 0.010277],
    [0.017772, 0.965793, 0.016435],
    [-0.001622, -0.00437, 1.005991],
  ],
  smpte432: [
    [1.22494, -0.22494, 0],
    [-0.042057, 1.042057, 0],
    [-0.019638, -0.078636, 1.098274],
  ],
  // ITU-R BT.2087 has the same
  bt2020: [
    [1.660491, -0.587641, -0.07285],
    [-0.12455, 1.1329, -0.008349],
    [-0.018151, -0.100579, 1.11873],
  ],
}

function toBt709(light: Light, primaries: Colour['primaries']): Light {
  const [red, green, blue] = TO_BT709[primaries]
  return [dot(red, light), dot(green, light), dot(blue, light)]
}

function luminanceOf(light: Light): number {
  return dot(BT709_LUMINANCE, light)
}

function dot(a: Light, b: Light): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

function times([red, green, blue]: Light, by: number): Light {
  return [red * by, green * by, blue * by]
}
