// Sources whose sound is of an unusual form, through the ladder: what is heard is where it was, beside
// the picture; and what cannot be heard costs no picture.
import { execFile } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { retryVideo } from '#db/videos.ts'
import { createTestDatabase } from '#test/database.ts'
import { lintHls } from '#test/hls-linter.ts'
import { emptyDatabase, queueVideo, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, listKeys, makeFolder, runJob } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const run = promisify(execFile)
const RATE = 48_000

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '72' })
  folder = await makeFolder()
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=s=128x72:r=10:d=4']
/** A tone of half a second from `at` on, in a silence of so many seconds. */
const beep = (at: number, seconds = 4) => [
  ...[
    '-f',
    'lavfi',
    '-i',
    `aevalsrc='0.3*sin(2*PI*997*t)*between(t,${at},${at + 0.5})':s=${RATE}:d=${seconds}`,
  ],
]
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast']

describe('a tone is heard where it was in the source:', () => {
  test.each<[string, string, string[], number]>([
    ['sound that begins late', 'a.mkv', [...PICTURE, '-itsoffset', '1', ...beep(1, 2)], 2],
    [
      'sound that begins late in an MP4',
      'a.mp4',
      [...PICTURE, '-itsoffset', '1', ...beep(1, 2), '-c:a', 'aac'],
      2,
    ],
    ['a picture that begins late', 'a.mkv', ['-itsoffset', '0.5', ...PICTURE, ...beep(2)], 2],
    ['sound that ends early', 'a.mkv', [...PICTURE, ...beep(2, 2.6)], 2],
    ['sound that ends late', 'a.mkv', [...PICTURE, ...beep(2, 7)], 2],
    ['sound with a gap', 'a.mkv', [...PICTURE, ...beep(2), '-af', "aselect='not(between(t,1,1.8))'"], 2],
    [
      'sound with a gap of hours, which is left out',
      'a.mkv',
      [...PICTURE, ...beep(2), '-af', 'asetpts=PTS+gt(T\\,1)*7200/TB'],
      2,
    ],
    ['192 kHz', 'a.mkv', [...PICTURE, ...beep(2), '-ar', '192000'], 2],
    ['MP3', 'a.mp4', [...PICTURE, ...beep(2), '-c:a', 'libmp3lame'], 2],
    ['AC-3', 'a.ts', [...PICTURE, ...beep(2), '-c:a', 'ac3'], 2],
    [
      'Opus',
      'a.webm',
      [...PICTURE, ...beep(2), '-c:a', 'libopus', '-c:v', 'libvpx', '-deadline', 'realtime'],
      2,
    ],
    ['ALAC', 'a.mov', [...PICTURE, ...beep(2), '-c:a', 'alac'], 2],
    ['MPEG layer II', 'a.mpg', [...PICTURE, ...beep(2), '-c:a', 'mp2', '-c:v', 'mpeg1video', '-r', '25'], 2],
    ['ADPCM', 'a.avi', [...PICTURE, ...beep(2), '-c:a', 'adpcm_ima_wav'], 2],
    [
      'of several, that which is the default',
      'a.mkv',
      [
        ...[...PICTURE, ...beep(1), ...beep(2), '-map', '0', '-map', '1', '-map', '2'],
        ...['-disposition:a:0', '0', '-disposition:a:1', 'default'],
      ],
      2,
    ],
  ])('%s', async (_, name, args, at) => {
    const source = path.join(folder, name)
    await run('ffmpeg', ['-y', '-v', 'error', ...withDefaults(args), source])
    const id = await ladder(source)
    await expectTone(id, at)
  })

  test('sound that changes its channels and its rate on the way', async () => {
    const parts: Buffer[] = []
    for (const [index, form] of [
      ['-ac', '1'],
      ['-ac', '6', '-ar', '44100'],
      ['-ac', '2'],
    ].entries()) {
      const part = path.join(folder, `part${index}.ts`)
      await run('ffmpeg', [
        ...['-y', '-v', 'error', ...PICTURE, ...beep(index === 1 ? 2 : 9), ...H264, '-c:a', 'aac', ...form],
        ...['-output_ts_offset', String(index * 4), part],
      ])
      parts.push(await readFile(part))
    }
    const source = path.join(folder, 'changing.ts')
    await writeFile(source, Buffer.concat(parts))
    // Each part begins with the priming of its own encoder.
    const id = await ladder(source)
    await expectTone(id, 6, 0.1)
    expect(await listKeys(context, 'videos'), 'what was only for us').not.toContainEqual(
      expect.stringMatching(/\.mka$/),
    )
  })
})

describe('sound that cannot be decoded costs no picture, and is told of:', () => {
  test.each<[string, string, (file: Buffer) => void, codec?: string]>([
    ['a codec that nobody knows', 'a.mkv', file => file.write('A_XYZ', file.indexOf('A_AAC'))],
    [
      'a codec without decoder (MPEG-H)',
      'a.mp4',
      file => {
        file.write('mhm1', file.indexOf('mp4a'))
        file.write('free', file.indexOf('esds'))
      },
    ],
    ['another codec than its own (MP3)', 'a.mp4', file => file.writeUInt8(0x6b, file.indexOf('esds') + 21)],
    // SamplingFrequency, a double, is 0: no filter takes that.
    ['a rate of nothing', 'a.mkv', file => file.fill(0, rateOf(file), rateOf(file) + 8), 'pcm_s16le'],
  ])('%s', async (_, name, patch, codec = 'aac') => {
    const source = path.join(folder, name)
    await run('ffmpeg', ['-y', '-v', 'error', ...PICTURE, ...beep(2), ...H264, '-c:a', codec, source])
    const file = await readFile(source)
    patch(file)
    await writeFile(source, file)
    const id = await ladder(source)
    const sounds = await t.db
      .selectFrom('renditions')
      .select(['state', 'error_code'])
      .where('kind', '=', 'audio')
      .execute()
    expect(sounds).toEqual([{ state: 'failed', error_code: 'sound_undecodable' }])
    expect((await readVideo(t.db, id)).url_mp4).not.toBeNull()
    expect(await t.db.transaction().execute(trx => retryVideo(trx, t.boss, id))).toBe('conflict')
  })
})

function rateOf(file: Buffer): number {
  return file.indexOf(Buffer.from('b588', 'hex')) + 2
}

/** H.264 and PCM, where `args` do not say better. */
function withDefaults(args: string[]): string[] {
  const inputs = args.lastIndexOf('-i') + 2
  return [...args.slice(0, inputs), ...H264, '-c:a', 'pcm_s16le', ...args.slice(inputs)]
}

async function ladder(source: string): Promise<string> {
  const id = await queueVideo(t, (await readFile(source)).length)
  await copyFile(source, path.join(context.storage.sourcesDir, id))
  await runJob(context, 'ladder')
  const { url_hls, status, error_code } = await readVideo(t.db, id)
  expect(error_code ?? status).toBe('ready')
  const master = context.storage.localPath(url_hls ?? '')
  expect(await lintHls(path.dirname(master), path.basename(master))).toEqual([])
  return id
}

/** By the samples of a published stream. Decoders and a filter's ringing blur it by a hundredth. */
async function expectTone(id: string, at: number, within = 0.04): Promise<void> {
  const { url_hls } = await readVideo(t.db, id)
  const playlist = path.join(path.dirname(context.storage.localPath(url_hls ?? '')), 'audio/index.m3u8')
  const pcm = ['-map', '0:a', '-ac', '1', '-ar', String(RATE), '-f', 'f32le', '-']
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-allowed_extensions', 'ALL', '-i', playlist, ...pcm],
    {
      encoding: 'buffer',
      maxBuffer: 64e6,
    },
  )
  const samples = new Float32Array(stdout.buffer, stdout.byteOffset, stdout.length / 4)
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)
  const isHeard = (sample: number) => Math.abs(sample) > loudest / 3
  expect(loudest).toBeGreaterThan(0.05)
  expect(Math.abs(samples.findIndex(isHeard) / RATE - at)).toBeLessThan(within)
  expect(Math.abs(samples.findLastIndex(isHeard) / RATE - at - 0.5)).toBeLessThan(within)
}
