// Sources of every shape and clock through the product's own command: where each corner is, where a padded
// edge comes from, and when a flash is seen and its beep is heard.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { all, patchMp4, setWord } from '#test/patch-mp4.ts'
import { makeTallest, PUBLISHED_TAGS, readPixels, readTags } from '#test/pictures.ts'
import { makeFolder } from '#test/worker.ts'
import { installLauncher } from './launcher.ts'

const run = promisify(execFile)

let folder: string
const file = (name: string) => path.join(folder, name)
const ffmpeg = async (name: string, ...args: string[]) => {
  await run('ffmpeg', ['-y', '-v', 'error', ...args, file(name)])
  return file(name)
}
beforeAll(async () => {
  folder = await makeFolder()
  await installLauncher(file('launcher'), { ffmpegPath: null, ffprobePath: null })
})

const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '10', '-pix_fmt', 'yuv420p']

describe('a picture stands as a player shows it', () => {
  const [WIDTH, HEIGHT] = [96, 64]
  // -1 is left and up
  const CORNERS = { red: [-1, -1], lime: [1, -1], blue: [-1, 1], white: [1, 1] } as const
  let upright: string
  beforeAll(async () => {
    const boxes = Object.entries(CORNERS).map(([colour, [x, y]]) => {
      const [left, top] = [x < 0 ? 0 : WIDTH / 2, y < 0 ? 0 : HEIGHT / 2]
      return `drawbox=${left}:${top}:${WIDTH / 2}:${HEIGHT / 2}:${colour}:fill`
    })
    const source = `color=black:s=${WIDTH}x${HEIGHT}:r=30:d=0.1,${boxes.join(',')}`
    upright = await ffmpeg('upright.mp4', '-f', 'lavfi', '-i', source, ...H264)
  })

  // The matrix of a track: x to the right is (a, b), y down is (c, d).
  test.each([
    ['as it is', 1, 0, 0, 1],
    ['a quarter turned', 0, 1, -1, 0],
    ['on its head', -1, 0, 0, -1],
    ['three quarters turned', 0, -1, 1, 0],
    ['mirrored', -1, 0, 0, 1],
    ['mirrored on its head', 1, 0, 0, -1],
    ['mirrored and a quarter turned', 0, 1, 1, 0],
    ['mirrored and three quarters turned', 0, -1, -1, 0],
  ])('%s', async (name, a, b, c, d) => {
    const at = (place: number, value: number) => setWord('tkhd', 40 + place * 4, value * 0x10000)
    const patch = all(at(0, a), at(1, b), at(3, c), at(4, d))
    const source = await patchMp4(upright, file(`${name}.mp4`), patch)
    const { plan, picture } = await makeTallest(source, folder)
    const [width, height] = a === 0 ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT]
    expect(plan.rungs[0]).toMatchObject({ width, height })
    const pixels = await readPixels(picture, 'rgb24', '-frames:v', '1')
    const names = { '100': 'red', '010': 'lime', '001': 'blue', '111': 'white' } as Record<string, string>
    for (const [colour, [x, y]] of Object.entries(CORNERS)) {
      const [column, row] = [(width * (2 + a * x + c * y)) / 4, (height * (2 + b * x + d * y)) / 4]
      const rgb = pixels.subarray((row * width + column) * 3, (row * width + column) * 3 + 3)
      expect(names[[...rgb].map(value => Math.round(value / 255)).join('')], colour).toBe(colour)
    }
  })

  test('with pixels that are not square, as wide as they make it', async () => {
    const source = await ffmpeg('anamorphic.mp4', '-i', upright, '-vf', 'setsar=4/3', ...H264)
    const { plan, picture } = await makeTallest(source, folder)
    expect(plan.rungs[0]).toMatchObject({ width: 128, height: 64 })
    const pixels = await readPixels(picture, 'gray', '-frames:v', '1')
    expect(pixels).toHaveLength(128 * 64)
  })
})

describe('a picture whose size changes on the way stands whole in the first shape', () => {
  const [WHITE, BLACK] = ['111', '000']
  const part = (name: string, size: string, ...options: string[]) =>
    ffmpeg(name, '-f', 'lavfi', '-i', `color=white:s=${size}:r=10:d=1`, ...H264, ...options)

  test.each([
    ['turned', '128x72', '72x128', BLACK],
    ['turned', '72x128', '128x72', BLACK],
    ['smaller', '128x72', '64x36', WHITE],
    [
      'turned, in HLG',
      '128x72',
      '72x128',
      BLACK,
      '-color_trc',
      'arib-std-b67',
      '-color_primaries',
      'bt2020',
      '-colorspace',
      'bt2020nc',
    ],
  ])('%s: %s, then %s', async (_, from, to, edge, ...options) => {
    const first = await part('first.ts', from, ...options)
    const second = await part('second.ts', to, '-output_ts_offset', '1', ...options)
    const source = file('changing.ts')
    await writeFile(source, Buffer.concat([await readFile(first), await readFile(second)]))
    const { plan, picture } = await makeTallest(source, folder)
    const [width = 0, height = 0] = from.split('x').map(side => 2 * Math.ceil(Number(side) / 2))
    expect(plan.rungs[0]).toMatchObject({ width, height })
    const times = await timesOf(picture)
    expect(times).toHaveLength(20)
    const pixels = await readPixels(picture, 'rgb24')
    const at = (frame: number, x: number, y: number) => {
      const place = ((frame * height + y) * width + x) * 3
      return [...pixels.subarray(place, place + 3)].map(value => Math.round(value / 255)).join('')
    }
    const [corner, opposite] = [
      [2, 2],
      [width - 3, height - 3],
    ] as const
    for (const [x, y] of [corner, opposite]) {
      expect(at(5, x, y)).toBe(WHITE)
      expect(at(15, x, y)).toBe(edge)
    }
    expect(at(15, width / 2, height / 2)).toBe(WHITE)
  })
})

describe('a side that is odd gets its last line twice, and nothing is scaled', () => {
  const HLG = ['-pix_fmt', 'yuv444p10le', '-color_trc', 'arib-std-b67']
  test.each<[number, number, string, string[]]>([
    [161, 121, 'SDR', []],
    [160, 121, 'SDR', []],
    [161, 120, 'SDR', []],
    [161, 121, 'HLG', HLG],
    [3, 5, 'SDR', []],
    [1, 8, 'SDR', []],
    [1, 1, 'SDR', []],
  ])('%d×%d %s', async (width, height, kind, options) => {
    const [black, white] = kind === 'HLG' ? [300, 600] : [60, 180]
    const board = `nullsrc=s=${width}x${height}:r=30:d=0.1,format=${options[1] ?? 'yuv444p'}`
    const luma =
      `geq=lum='if(mod(X+Y,2),${white},${black})':cb='pow(2,bitdepth-1)':cr='pow(2,bitdepth-1)'`.replaceAll(
        'bitdepth',
        kind === 'HLG' ? '10' : '8',
      )
    const source = await ffmpeg(
      'odd.mkv',
      '-f',
      'lavfi',
      '-i',
      `${board},${luma}`,
      '-c:v',
      'ffv1',
      ...options,
    )
    const { plan, picture } = await makeTallest(source, folder)
    const [wide, high] = [width + (width % 2), height + (height % 2)]
    expect(plan.rungs[0]).toMatchObject({ width: wide, height: high })
    const pixels = await readPixels(picture, 'yuv420p', '-frames:v', '1')
    const at = (x: number, y: number) => pixels[y * wide + x] ?? 0
    const [dark, light] = kind === 'HLG' ? [at(0, 0), at(1, 0)] : [black, white]
    for (let y = 0; y < high; y++) {
      for (let x = 0; x < wide; x++) {
        const [fromX, fromY] = [Math.min(x, width - 1), Math.min(y, height - 1)]
        const wanted = (fromX + fromY) % 2 ? light : dark
        expect(Math.abs(at(x, y) - wanted), `${x}, ${y}: ${at(x, y)}, not ${wanted}`).toBeLessThan(30)
      }
    }
  })
})

describe('of a rate that is', () => {
  test.each([
    ['film', '24000/1001', 1, 24000 / 1001],
    ['NTSC', '30000/1001', 1, 30000 / 1001],
    ['twice that', '60000/1001', 1, 60000 / 1001],
    ['slow motion', '120', 1, 60],
    ['slower motion', '240', 0.5, 60],
    ['a picture a second', '1', 4, 1],
    ['a picture each four seconds', '1/4', 8, 1],
    ['no rate but a clock', '1000', 0.2, 30],
  ])('%s (%s), each picture lasts as long as the other', async (_, rate, seconds, fps) => {
    const source = await ffmpeg(
      'rate.mp4',
      '-f',
      'lavfi',
      '-i',
      `testsrc2=s=64x48:r=${rate}:d=${seconds}`,
      ...H264,
    )
    const { picture } = await makeTallest(source, folder)
    const times = await timesOf(picture)
    expect(Math.abs(times.length - seconds * fps)).toBeLessThanOrEqual(1)
    for (const [index, time] of times.entries()) expect(time).toBeCloseTo(index / fps, 3)
  })
})

test('of several pictures the default one is made, whatever else is in the file', async () => {
  const colours = ['red', 'lime', 'blue'].flatMap(name => [
    '-f',
    'lavfi',
    '-i',
    `color=${name}:s=64x48:r=30:d=0.2`,
  ])
  const cover = await ffmpeg('cover.png', '-f', 'lavfi', '-i', 'color=white:s=640x480', '-frames:v', '1')
  const text = file('text.srt')
  await writeFile(text, '1\n00:00:00,000 --> 00:00:00,100\nhello\n')
  const source = await ffmpeg(
    'many.mkv',
    ...[...colours, '-i', text, '-map', '3:s', '-map', '0:v', '-map', '1:v', '-map', '2:v', ...H264],
    ...[
      '-disposition:v',
      '0',
      '-disposition:v:1',
      'default',
      '-attach',
      cover,
      '-metadata:s:t',
      'mimetype=image/png',
    ],
  )
  const { picture } = await makeTallest(source, folder)
  const [red = 0, green = 0, blue = 0] = await readPixels(picture, 'rgb24', '-frames:v', '1')
  expect(green).toBeGreaterThan(200)
  expect(Math.max(red, blue)).toBeLessThan(60)
})

describe('a flash is seen when its beep is heard', () => {
  const FRAME = 1 / 30
  const isOn = 'lt(mod(t\\,1)\\,0.1)'
  const flashes = (seconds: number, fps = 30) => [
    ...[
      '-f',
      'lavfi',
      '-i',
      `color=black:s=64x48:r=${fps}:d=${seconds},drawbox=c=white:t=fill:enable='${isOn}'`,
    ],
    ...['-f', 'lavfi', '-i', `aevalsrc=0.5*sin(6283*t)*${isOn}:s=8000:d=${seconds}`],
  ]
  let plain: string
  beforeAll(async () => {
    plain = await ffmpeg('plain.mov', ...flashes(4), ...H264, '-bf', '2', '-g', '30', '-c:a', 'pcm_s16le')
  })
  const PLAIN = 'the plain one'
  const late = ['-itsoffset', '0.5', '-i', PLAIN]

  // What is late is so by half a second.
  test.each<[string, number, string, string[]]>([
    ['sound that is late', 0.5, 'mov', ['-i', PLAIN, ...late, '-map', '0:v', '-map', '1:a', '-c', 'copy']],
    [
      'a picture that is late',
      -0.5,
      'mov',
      ['-i', PLAIN, ...late, '-map', '1:v', '-map', '0:a', '-c', 'copy'],
    ],
    ['ten seconds before it begins', 0, 'mkv', ['-i', PLAIN, '-c', 'copy', '-output_ts_offset', '10']],
    ['an edit list that begins between keyframes', 0, 'mov', ['-ss', '1.3', '-i', PLAIN, '-c', 'copy']],
    [
      'negative timestamps',
      0,
      'mkv',
      ['-ss', '1.3', '-i', PLAIN, '-c', 'copy', '-avoid_negative_ts', 'disabled'],
    ],
    [
      'fragments',
      0,
      'mp4',
      ['-i', PLAIN, '-c:v', 'copy', '-c:a', 'aac', '-movflags', 'frag_keyframe+empty_moov'],
    ],
    ['a transport stream', 0, 'ts', ['-i', PLAIN, '-c:v', 'copy', '-c:a', 'mp2']],
    ['AVI, which has no times', 0, 'avi', ['-i', PLAIN, '-c:v', 'mpeg4', '-c:a', 'copy']],
  ])('with %s', async (_, lateSeconds, type, args) => {
    const source = await ffmpeg(`clock.${type}`, ...args.map(arg => (arg === PLAIN ? plain : arg)))
    const { flash, beep } = await lastOf(source)
    expect(Math.abs(beep - flash - lateSeconds), `flash at ${flash} s, beep at ${beep} s`).toBeLessThan(FRAME)
  })

  test('at the end of ten minutes of a rate that varies', async () => {
    const varying = ["select='gt(random(0)\\,0.1)+lt(mod(t\\,1)\\,0.2)'", 'settb=1/1000']
    const part = await ffmpeg(
      'part.mkv',
      ...[...flashes(20, 15), '-vf', varying.join(','), '-fps_mode', 'vfr', ...H264, '-c:a', 'pcm_s16le'],
    )
    const source = await ffmpeg('long.mkv', '-stream_loop', '29', '-i', part, '-c', 'copy')
    const { flash, beep } = await lastOf(source)
    expect(flash).toBeGreaterThan(598)
    expect(Math.abs(beep - flash), `flash at ${flash} s, beep at ${beep} s`).toBeLessThan(FRAME)
  })

  /** When the last flash begins, and the last beep. */
  async function lastOf(source: string): Promise<{ flash: number; beep: number }> {
    const { picture, sound } = await makeTallest(source, folder, { sounds: 1, segments: 3 })
    const times = await timesOf(picture)
    const pictures = await readPixels(
      picture,
      'gray',
      '-vf',
      'scale=1:1:flags=area',
      '-fps_mode',
      'passthrough',
    )
    expect(pictures).toHaveLength(times.length)
    const { stdout } = await run(
      'ffmpeg',
      [
        '-v',
        'error',
        '-copyts',
        '-i',
        `${sound}`,
        '-af',
        'aresample=8000:async=1:first_pts=0',
        '-ac',
        '1',
        '-f',
        's16le',
        '-',
      ],
      { encoding: 'buffer', maxBuffer: 64 * 1024 ** 2 },
    )
    const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1)
    const isLit = (index: number) => (pictures[index] ?? 0) > 128
    const flash = times.findLast((_, index) => index > 0 && isLit(index) && !isLit(index - 1)) ?? Number.NaN
    const before = samples.subarray(0, samples.findLastIndex(isHeard) - 1600).findLastIndex(isHeard)
    const beep = samples.findIndex((sample, index) => index > before && isHeard(sample)) / 8000
    return { flash, beep }
  }
  const isHeard = (sample: number) => Math.abs(sample) > 5000
})

// Phones' own files, where they are.
const SHARED = path.join(import.meta.dirname, '../../../shared/media')
const REAL = [
  ['mp4_sample_rotate_and_reflect.mp4', { width: 240, height: 360 }, 'tv'],
  ['mp4_hlg10-color-test.mp4', { width: 426, height: 240 }, 'tv'],
  ['mp4_hdr10-video-with-sdr-container.mp4', { width: 426, height: 240 }, 'tv'],
  ['vp9_bear-vp9-odd-dimensions.webm', { width: 162, height: 122 }, 'tv'],
] as const
const PRESENT = REAL.filter(([name]) => existsSync(path.join(SHARED, name)))
for (const [name, size, range] of PRESENT) {
  test(`${name} becomes SDR of ${size.width}×${size.height}`, async () => {
    const { facts, plan, picture } = await makeTallest(path.join(SHARED, name), folder, { ladder: [240] })
    expect(facts.video.colour.range).toBe(range)
    expect(plan.rungs[0]).toMatchObject(size)
    expect(await readTags(picture)).toEqual(PUBLISHED_TAGS)
  })
}

/** When each picture is shown. */
async function timesOf(picture: string): Promise<number[]> {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', picture],
  ])
  return stdout
    .split('\n')
    .flatMap(line => (line ? [Number.parseFloat(line)] : []))
    .sort((a, b) => a - b)
}
