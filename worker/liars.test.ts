// Sources that lie about themselves, through first rung and ladder: whatever they say, each publication
// keeps the rules of HLS and is decoded to its end, or there is none and the video says why.
import { execFile } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { fetchGrowing } from '#test/growing-lists.ts'
import { lintHls, type RuleSet } from '#test/hls-linter.ts'
import { all, locate, type Patch, patchMp4, replace, setWord } from '#test/patch-mp4.ts'
import { emptyDatabase, liveJobs, queueUpload, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, makeFolder, runJob } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const run = promisify(execFile)
const SMALL = { width: 160, height: 120, seconds: 4 }
const TICKS = 15_360 // a second of such a clip's picture, as FFmpeg counts
const FRAME = TICKS / 30
const STTS = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stts']

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
let plain: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '120' })
  folder = await makeFolder()
  plain = await clip('plain.mp4', '-preset', 'veryfast', '-g', '30', '-x264-params', 'scenecut=0')
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

interface Lie {
  says: string
  make: () => Promise<string>
  /** the folder of the first rung's picture; null when it has none */
  first: string | null
  ends: 'ready' | string
  seconds?: number
}

describe.each<Lie>([
  {
    says: 'lasts a minute, and has four seconds',
    make: () =>
      patched(setWord('mvhd', 16, 60_000), setWord('tkhd', 20, 60_000), setWord('mdhd', 16, 60 * TICKS)),
    ...{ first: 'copy', ends: 'ready', seconds: 4 },
  },
  {
    says: 'lasts forty hours',
    make: () => patched(setWord('mvhd', 16, 143_165_000), setWord('mdhd', 16, 143_165 * TICKS)),
    ...{ first: 'copy', ends: 'ready', seconds: 4 },
  },
  {
    says: 'each of its pictures is a keyframe',
    make: () => patched(file => file.fill('free', locate(file, ['stss']), locate(file, ['stss']) + 4)),
    ...{ first: 'v120', ends: 'ready', seconds: 4 },
  },
  {
    says: 'a picture in between is a keyframe',
    make: () => patched(setWord('stss', 12, 32)),
    ...{ first: 'v120', ends: 'ready', seconds: 4 },
  },
  {
    says: 'it has two thousand million chunks',
    make: () => patched(setWord('stco', 4, 0x7fff_ffff)),
    ...{ first: null, ends: 'not_a_video' },
  },
  {
    says: 'nothing for twenty seconds, and ends before that',
    make: () => patched(replace(STTS, stts => steps(stts, [60, FRAME], [1, 20 * TICKS], [59, FRAME]))),
    ...{ first: 'growing', ends: 'truncated' },
  },
  {
    says: 'a picture is shown long after its place',
    make: () => patched(setWord('ctts', 20, 30 * TICKS)),
    ...{ first: 'v120', ends: 'ready' },
  },
  {
    says: 'nothing for twenty seconds',
    make: () => clip('gap.mkv', '-vf', 'setpts=PTS+gt(N\\,60)*20/TB', '-fps_mode', 'passthrough', '-g', '30'),
    ...{ first: 'v120', ends: 'ready', seconds: 24 },
  },
  {
    says: 'no picture for twenty hours',
    make: () => clip('late.mkv', '-vf', 'setpts=PTS+72000/TB', '-fps_mode', 'passthrough', '-g', '30'),
    ...{ first: null, ends: 'too_few_bytes' },
  },
  {
    says: 'no sound for twenty hours',
    make: () => clip('silent.mkv', '-af', 'asetpts=PTS+gt(N\\,90)*72000/TB', '-g', '30'),
    ...{ first: 'v120', ends: 'ready', seconds: 4 },
  },
  {
    says: 'no sound for two minutes',
    make: () => clip('late.mkv', '-af', 'asetpts=PTS+120/TB', '-g', '30'),
    ...{ first: null, ends: 'starts_too_late' },
  },
  {
    says: 'nine seconds, as long as its sound, and nothing of its picture',
    make: untagged,
    ...{ first: 'v120', ends: 'ready', seconds: 4 },
  },
  { says: 'its time begins again halfway', make: twiceFromZero, first: 'v120', ends: 'ready' },
  // Of such a stream FFmpeg writes a segment without samples, and is content.
  { says: 'it has sound, of which nothing came', make: () => firstOf(0.4), first: null, ends: 'truncated' },
  {
    says: 'it has a picture, of which nothing came',
    make: () => firstOf(0),
    first: null,
    ends: 'undecodable',
  },
  {
    says: 'it has eight bits, and has ten',
    make: async () => {
      const deep = await clip('deep.mp4', '-pix_fmt', 'yuv420p10le', '-g', '30')
      return patchMp4(deep, path.join(folder, 'lie.mp4'), file => {
        file.writeUInt8(100, file.indexOf('avcC') + 5)
        return file
      })
    },
    ...{ first: 'v120', ends: 'ready', seconds: 4 },
  },
  {
    says: 'two hundred megabits a second',
    make: () =>
      clip(
        'noise.mp4',
        '-vf',
        'noise=alls=100:allf=t,scale=640:360,setsar=1',
        '-qp',
        '0',
        '-t',
        '2',
        '-g',
        '30',
      ),
    ...{ first: 'v360', ends: 'ready', seconds: 2 },
  },
])('a source says $says:', ({ make, first, ends, seconds }) => {
  test(`what is published plays, and it ends ${ends}`, async () => {
    const source = await make()
    const id = await queueUpload(t, (await readFile(source)).length)
    await copyFile(source, path.join(context.storage.sourcesDir, id))
    await runJob(context, 'first')
    expect(await published(id, 'first rung')).toBe(first)
    // What may have been the machine's fault is tried again.
    if ((await liveJobs(t.boss, 'first', id)).length > 0) await runJob(context, 'first')
    if ((await liveJobs(t.boss, 'ladder', id)).length > 0) await runJob(context, 'ladder')
    const { status, error_code, duration_ms } = await readVideo(t.db, id)
    expect(error_code ?? status).toBe(ends)
    expect(await published(id, 'ladder')).toBe(ends === 'ready' ? 'v120' : null)
    if (seconds) expect((duration_ms ?? 0) / 1000).toBeCloseTo(seconds, 1)
  })
})

/** Looks at what the video plays from. @returns the folder of its picture; null when it plays nothing */
async function published(id: string, rules: RuleSet): Promise<string | null> {
  const { url_hls, publication_id } = await readVideo(t.db, id)
  if (!publication_id) return null
  if (!url_hls) {
    const fetch = await fetchGrowing(t.db, context.storage, id, publication_id)
    expect(await lintHls(fetch, 'master.m3u8', rules)).toEqual([])
    return 'growing'
  }
  const master = context.storage.localPath(url_hls)
  expect(await lintHls(path.dirname(master), path.basename(master), rules)).toEqual([])
  const { stderr } = await run('ffmpeg', [
    ...['-v', 'error', '-xerror', '-allowed_extensions', 'ALL', '-i', master, '-f', 'null', '-'],
  ])
  expect(stderr).toBe('')
  return /^(\w+)\/index\.m3u8$/m.exec(await readFile(master, 'utf8'))?.[1] ?? ''
}

async function clip(name: string, ...options: string[]): Promise<string> {
  return makeClip(folder, name, { ...SMALL, options })
}

async function patched(...patches: Patch[]): Promise<string> {
  return patchMp4(plain, path.join(folder, 'lie.mp4'), all(...patches))
}

/** So many samples of so many ticks, in the place of a clip's own steps (ISO/IEC 14496-12 §8.6.1.2). */
function steps(stts: Buffer, ...runs: [count: number, ticks: number][]): Buffer {
  const words = [0, runs.length, ...runs.flat()]
  const body = Buffer.alloc(words.length * 4)
  for (const [index, word] of words.entries()) body.writeUInt32BE(word, index * 4)
  return Buffer.concat([stts.subarray(0, 8), body])
}

/** As browsers record: Matroska that says of the whole alone how long it is. */
async function untagged(): Promise<string> {
  const tagged = await clip('tagged.mkv', '-g', '30', '-af', 'apad', '-t', '9')
  const file = path.join(folder, 'untagged.mkv')
  await writeFile(file, (await readFile(tagged, 'latin1')).replaceAll('DURATION', 'DURATIOM'), 'latin1')
  return file
}

/** As recorders write that were stopped: two transport streams, one behind the other. */
async function twiceFromZero(): Promise<string> {
  const part = await readFile(await clip('part.ts', '-g', '30'))
  const file = path.join(folder, 'twice.ts')
  await writeFile(file, Buffer.concat([part, part]))
  return file
}

/** A recording in fragments, cut off in the first one, where pictures stand before sound. */
async function firstOf(share: number): Promise<string> {
  const whole = await readFile(
    await clip('fragments.mp4', '-g', '30', '-movflags', 'frag_keyframe+empty_moov'),
  )
  const data = whole.indexOf('mdat') + 4
  const file = path.join(folder, 'cut.mp4')
  await writeFile(file, whole.subarray(0, data + 8 + Math.round(share * whole.readUInt32BE(data - 8))))
  return file
}
