// Colours by pixels: patches of known light, coded by the arithmetic below, through FFmpeg and the product's
// own command. What has to come out follows from the same light; nothing is taken from our own output.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { makeTallest, PUBLISHED_TAGS, readPixels, readTags } from '#test/pictures.ts'
import { makeFolder } from '#test/worker.ts'
import { installLauncher } from './launcher.ts'

type Triple = [number, number, number]

const PATCH = 64
const PICTURES = 3

let folder: string
beforeAll(async () => {
  folder = await makeFolder()
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
})

// ITU-R BT.2100, table 4 and, for a screen of 1000 nits, table 5.
const pq = (nits: number) => {
  const power = (nits / 10_000) ** 0.1593017578125
  return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
}
const hlg = (nits: Triple) => {
  const luminance = dot([0.2627, 0.678, 0.0593], nits) / 1000
  return each(nits, value => {
    const scene = luminance === 0 ? 0 : (value / 1000) * luminance ** (1 / 1.2 - 1)
    return scene <= 1 / 12
      ? Math.sqrt(3 * scene)
      : 0.17883277 * Math.log(12 * scene - 0.28466892) + 0.55991073
  })
}
// A screen by BT.1886, whose white is HDR's reference white (BT.2408).
const sdr = (nits: number) => (nits / 203) ** (1 / 2.4)

// From BT.709's light: ITU-R BT.2087, SMPTE EG 432-1 (for D65), SMPTE RP 145.
const TO_BT2020: Triple[] = [
  [0.6274, 0.3293, 0.0433],
  [0.0691, 0.9195, 0.0114],
  [0.0164, 0.088, 0.8956],
]
const TO_P3: Triple[] = [
  [0.8225, 0.1775, 0],
  [0.0332, 0.9668, 0],
  [0.0171, 0.0724, 0.9105],
]
const TO_SMPTE_C: Triple[] = [
  [1.0654, -0.0554, -0.01],
  [-0.0196, 1.0364, -0.0168],
  [0.0016, 0.0044, 0.994],
]

// Luma's parts of red and blue
const [BT709, BT601, BT2020] = [
  [0.2126, 0.0722],
  [0.299, 0.114],
  [0.2627, 0.0593],
] as const

// Surfaces of a ColorChecker in the light that makes white 203 nits, in BT.709's red, green and blue.
const lit = (...srgb: Triple) => each(srgb, value => (value / 255) ** 2.2 * 203)
const SKIN = lit(194, 150, 130)
const DARK_SKIN = lit(115, 82, 68)
const SKY = lit(98, 122, 157)
const GRASS = lit(87, 108, 67)
const COLOURS = [SKIN, DARK_SKIN, SKY, GRASS]
const GREYS: Triple[] = [0, 1, 10, 50, 100, 203, 1000].map(nits => [nits, nits, nits])

const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'lossless=1:log-level=error']
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '0']

test.each([
  ['HDR10', 'smpte2084', (light: Triple) => each(light, pq)],
  ['HLG', 'arib-std-b67', hlg],
] as const)(
  '%s becomes SDR: black to reference white keep their place, highlights roll off',
  async (name, transfer, encode) => {
    const coded = [...GREYS, ...COLOURS].map(light => encode(linear(TO_BT2020, light)))
    const source = await makePatches(name, coded, {
      ...{ format: 'yuv420p10le', weights: BT2020, range: 'tv', encoder: HEVC },
      tags: ['-color_primaries', 'bt2020', '-color_trc', transfer, '-colorspace', 'bt2020nc'],
    })
    const { picture, facts } = await makeTallest(source, folder)
    expect(facts.video.colour.transfer).toBe(transfer === 'smpte2084' ? 'pq' : 'hlg')
    expect(await readTags(picture)).toEqual(PUBLISHED_TAGS)
    const shown = await readPatches(picture, coded.length)
    const greys = shown.slice(0, GREYS.length)
    for (const [index, { luma, cb, cr }] of greys.entries()) {
      const nits = GREYS[index]?.[0] ?? 0
      // BT.2390 bends above 90 nits: of 1000 for 203, it leaves 99 of 100, and 159 of 203.
      const kept = nits === 203 ? 159 : Math.min(nits, 203)
      expect(Math.abs(luma - 16 - 219 * sdr(kept)), `${nits} nits became ${luma}`).toBeLessThan(2)
      expect(Math.hypot(cb - 128, cr - 128), `colour of grey with ${nits} nits`).toBeLessThan(1.5)
    }
    for (const [index, colour] of COLOURS.entries()) {
      const wanted = toCodes(each(colour, sdr), BT709, 'tv', 8)
      const { luma, cb, cr } = shown[GREYS.length + index] ?? NOTHING
      const label = `${name} colour ${index}: ${luma}, ${cb}, ${cr}, not ${wanted}`
      expect(Math.abs(luma - wanted[0]), label).toBeLessThan(5)
      expect(Math.abs(hue(cb, cr) - hue(wanted[1], wanted[2])), label).toBeLessThan(4)
    }
  },
)

interface Kind {
  format: string
  range: 'tv' | 'pc'
  weights: readonly [red: number, blue: number]
  tags: string[]
  /** from BT.709's light */
  light?: Triple[]
  encoder?: string[]
  size?: string
}

test.each<[string, Kind]>([
  ['BT.709 in 4:4:4', { format: 'yuv444p', range: 'tv', weights: BT709, tags: tags('bt709') }],
  [
    'BT.709 in 4:2:2 with 10 bits',
    { format: 'yuv422p10le', range: 'tv', weights: BT709, tags: tags('bt709') },
  ],
  ['BT.709 in all of 10 bits', { format: 'yuv420p10le', range: 'pc', weights: BT709, tags: tags('bt709') }],
  ['BT.709 in all of 8 bits', { format: 'yuv420p', range: 'pc', weights: BT709, tags: tags('bt709') }],
  [
    "BT.601 in all of 8 bits, as Android's cameras write it",
    { format: 'yuv420p', range: 'pc', weights: BT601, tags: tags('bt470bg', 'smpte170m') },
  ],
  [
    'BT.601 of 525 lines',
    { format: 'yuv420p', range: 'tv', weights: BT601, tags: tags('smpte170m'), light: TO_SMPTE_C },
  ],
  [
    'BT.2020 for SDR',
    {
      ...{ format: 'yuv420p10le', range: 'tv', weights: BT2020, light: TO_BT2020 },
      tags: ['-color_primaries', 'bt2020', '-color_trc', 'bt2020-10', '-colorspace', 'bt2020nc'],
    },
  ],
  [
    'Display P3',
    {
      ...{ format: 'yuv420p', range: 'tv', weights: BT709, light: TO_P3 },
      tags: ['-color_primaries', 'smpte432', '-color_trc', 'bt709', '-colorspace', 'bt709'],
    },
  ],
  ['a small picture that says nothing', { format: 'yuv420p', range: 'tv', weights: BT601, tags: [] }],
  [
    'a large picture that says nothing',
    { format: 'yuv420p', range: 'tv', weights: BT709, tags: [], size: '1280x720' },
  ],
  [
    'RGB',
    { format: 'gbrp', range: 'pc', weights: BT709, tags: [], encoder: ['-c:v', 'libx264rgb', '-qp', '0'] },
  ],
])('%s becomes 8-bit 4:2:0 BT.709 that says so', async (name, kind) => {
  const shownIn = (light: Triple) => each(light, value => Math.max(0, sdr(value)))
  const coded = COLOURS.map(light => shownIn(kind.light ? linear(kind.light, light) : light))
  const { picture } = await makeTallest(await makePatches(name, coded, kind), folder)
  expect(await readTags(picture)).toEqual(PUBLISHED_TAGS)
  const shown = await readPatches(picture, COLOURS.length)
  for (const [index, colour] of COLOURS.entries()) {
    const wanted = toCodes(shownIn(colour), BT709, 'tv', 8)
    const { luma, cb, cr } = shown[index] ?? NOTHING
    const off = Math.max(Math.abs(luma - wanted[0]), Math.abs(cb - wanted[1]), Math.abs(cr - wanted[2]))
    expect(off, `${name} colour ${index}: ${luma}, ${cb}, ${cr}, not ${wanted}`).toBeLessThan(2.5)
  }
})

/** @param second transfer and primaries, where they are others than the matrix */
function tags(matrix: string, transfer = matrix): string[] {
  return ['-colorspace', matrix, '-color_trc', transfer, '-color_primaries', matrix]
}

/** Patches side by side, for a few pictures. */
async function makePatches(name: string, coded: Triple[], kind: Kind): Promise<string> {
  const { format, range, weights, size } = kind
  const bits = format.includes('10') ? 10 : 8
  const [width, height] = [coded.length * PATCH, PATCH]
  const across = /444|gbr/.test(format) ? 1 : 2
  const down = format.includes('420') ? 2 : 1
  const codes = coded.map(([red, green, blue]) => {
    const rgb: Triple = [red, green, blue]
    const planes =
      format === 'gbrp' ? each([green, blue, red], value => value * 255) : toCodes(rgb, weights, range, bits)
    return planes.map(Math.round)
  })
  const plane = (index: number, acrossBy: number, downBy: number) => {
    const row = Buffer.concat(
      codes.map(code => {
        const pixel = Buffer.alloc(bits > 8 ? 2 : 1)
        pixel.writeUIntLE(code[index] ?? 0, 0, pixel.length)
        return Buffer.alloc((PATCH / acrossBy) * pixel.length, pixel)
      }),
    )
    return Buffer.concat(Array.from({ length: height / downBy }, () => row))
  }
  const picture = Buffer.concat([plane(0, 1, 1), plane(1, across, down), plane(2, across, down)])
  const file = path.join(folder, `${name.replaceAll(/\W+/g, '-')}.mp4`)
  const ffmpeg = spawn('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'rawvideo', '-pix_fmt', format, '-s', `${width}x${height}`, '-r', '30'],
    ...[
      '-color_range',
      range,
      '-i',
      '-',
      ...(size ? ['-vf', `scale=${size.replace('x', ':')}:flags=neighbor`] : []),
    ],
    ...[...(kind.encoder ?? H264), '-color_range', range, ...kind.tags, file],
  ])
  ffmpeg.stderr.pipe(process.stderr)
  ffmpeg.stdin.end(Buffer.concat(Array.from({ length: PICTURES }, () => picture)))
  const [status] = await once(ffmpeg, 'close')
  expect(status).toBe(0)
  return file
}

const NOTHING = { luma: Number.NaN, cb: Number.NaN, cr: Number.NaN }

/** The middle of each patch of the first picture, on average. */
async function readPatches(file: string, count: number) {
  const middles = ['-vf', `scale=${count * PATCH}:${PATCH}:flags=area`, '-frames:v', '1']
  const pixels = await readPixels(file, 'yuv420p', ...middles)
  const mean = (from: number, stride: number, patch: number) => {
    let sum = 0
    for (let y = patch / 4; y < (patch * 3) / 4; y++)
      for (let x = patch / 4; x < (patch * 3) / 4; x++) sum += pixels[from + y * stride + x] ?? 0
    return sum / (patch / 2) ** 2
  }
  const [width, half] = [count * PATCH, (count * PATCH) / 2]
  const chroma = width * PATCH
  return Array.from({ length: count }, (_, index) => ({
    luma: mean(index * PATCH, width, PATCH),
    cb: mean(chroma + (index * PATCH) / 2, half, PATCH / 2),
    cr: mean(chroma + (half * PATCH) / 2 + (index * PATCH) / 2, half, PATCH / 2),
  }))
}

/** R'G'B' → Y'CbCr (ITU-T H.273 §8.3) */
function toCodes(
  [red, green, blue]: Triple,
  [kr, kb]: Kind['weights'],
  range: 'tv' | 'pc',
  bits: number,
): Triple {
  const luma = kr * red + (1 - kr - kb) * green + kb * blue
  const [cb, cr] = [(blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))]
  const [step, most] = [2 ** (bits - 8), 2 ** bits - 1]
  if (range === 'tv') return [(16 + 219 * luma) * step, (128 + 224 * cb) * step, (128 + 224 * cr) * step]
  return [most * luma, most * cb + 128 * step, most * cr + 128 * step]
}

/** In degrees. */
function hue(cb: number, cr: number): number {
  return (Math.atan2(cr - 128, cb - 128) * 180) / Math.PI
}

function linear([a, b, c]: Triple[], light: Triple): Triple {
  return [dot(a ?? light, light), dot(b ?? light, light), dot(c ?? light, light)]
}

function dot(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

function each([a, b, c]: Triple, change: (value: number) => number): Triple {
  return [change(a), change(b), change(c)]
}
