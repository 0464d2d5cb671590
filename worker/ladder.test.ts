// The ladder as a worker runs it: real FFmpeg, real Postgres, real storage, tiny clips.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { JobLost } from '#db/boss.ts'
import { deleteVideo } from '#db/videos.ts'
import { readInitSegment, readMediaSegment } from '#media/bmff.ts'
import { sourceKey } from '#media/keys.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { lintHls } from '#test/hls-linter.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  liveJobs,
  loseJob,
  queueUpload,
  queueVideo,
  readVideo,
  takeJob,
} from '#test/videos.ts'
import {
  createWorkerContext,
  emptyStorage,
  listKeys,
  makeFolder,
  processesIn,
  runJob,
  useFfmpeg,
} from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { ladder } from './ladder.ts'
import { sweepScratch } from './scratch.ts'

const run = promisify(execFile)
const AAC_FRAME_SECONDS = 1024 / 48_000
const LOCATION = '+52.5200+013.4050/'

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
let clip: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '240,144' })
  folder = await makeFolder()
  const options = [
    '-metadata',
    `location=${LOCATION}`,
    '-metadata',
    'title=Secret',
    '-movflags',
    '+faststart',
  ]
  clip = await makeClip(folder, 'clip.mov', { seconds: 3, options })
})

async function empty(): Promise<void> {
  await emptyDatabase(t)
  await emptyStorage(context)
}

describe('a good video', () => {
  let id: string
  beforeAll(async () => {
    await emptyDatabase(t)
    id = await upload(clip)
    await runJob(context, 'ladder')
  })
  const bytes = async (key: string | null) => readFile(context.storage.localPath(key ?? ''))
  const text = async (key: string | null) => (await bytes(key)).toString()

  test('is ready, with every rung, the sound, the MP4 and the poster', async () => {
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', width: 320, height: 240, progress: 1 })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'won' }])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
    const renditions = await t.db.selectFrom('renditions').select(['kind', 'height']).orderBy('key').execute()
    expect(renditions).toEqual([
      { kind: 'audio', height: null },
      { kind: 'audio', height: null },
      { kind: 'video', height: 144 },
      { kind: 'poster', height: null },
      { kind: 'video', height: 144 },
      { kind: 'video', height: 240 },
      { kind: 'mp4', height: null },
    ])
  })

  test('has a master playlist that names each stream once, relatively', async () => {
    const { url_hls } = await readVideo(t.db, id)
    const lines = (await text(url_hls)).split('\n')
    expect(lines.filter(line => line.endsWith('.m3u8')).sort()).toEqual([
      'low/index.m3u8',
      'v144/index.m3u8',
      'v240/index.m3u8',
    ])
    const streams = lines.filter(line => line.startsWith('#EXT-X-STREAM-INF'))
    for (const line of streams)
      expect(line).toMatch(/CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2".*FRAME-RATE=30\.000/)
    const groups = lines.flatMap(line => /GROUP-ID="([^"]+)".*URI="\1\/index.m3u8"/.exec(line)?.[1] ?? [])
    expect(groups).toEqual(['audio', 'audio-low'])
    for (const line of streams) {
      const isLow = line.includes('RESOLUTION=192x144') && line.includes('AUDIO="audio-low"')
      expect(Number(/:BANDWIDTH=(\d+)/.exec(line)?.[1]) <= 192_000).toBe(isLow)
    }
  })

  test('breaks no rule of HLS', () => expectCleanHls(id))

  test('begins every segment with an IDR, at the same times on every rung, and lists as much as it has', async () => {
    const [low, high] = [await measure('v144'), await measure('v240')]
    for (const rung of [low, high]) {
      expect(rung.fragments.map(fragment => fragment.startsWithIdr)).toEqual(rung.uris.map(() => true))
      expect(rung.listedSeconds).toBeCloseTo(3, 1)
      expect(Math.abs(rung.listedSeconds - rung.seconds)).toBeLessThan(0.001)
    }
    expect(low.uris).toHaveLength(2)
    expect(low.starts).toEqual([0, 2])
    expect(high.starts).toEqual(low.starts)
    const sound = await measure('audio')
    expect(Math.abs(sound.listedSeconds - 3)).toBeLessThan(0.1)
    expect((await readVideo(t.db, id)).duration_ms).toBe(Math.round(high.listedSeconds * 1000))
  })

  test('shows and sounds from 0, within one AAC frame', async () => {
    const { url_hls, url_mp4 } = await readVideo(t.db, id)
    const base = path.dirname(context.storage.localPath(url_hls ?? ''))
    const files = [path.join(base, 'v240/index.m3u8'), path.join(base, 'audio/index.m3u8')]
    for (const file of [...files, context.storage.localPath(url_mp4 ?? '')]) {
      for (const start of await ffprobe(file, 'stream=start_time')) {
        expect(Math.abs(Number(start)), file).toBeLessThanOrEqual(AAC_FRAME_SECONDS)
      }
    }
    const { track, starts } = await measure('audio')
    expect(Math.abs((starts[0] ?? 9) - track.startTicks / track.timescale)).toBeLessThanOrEqual(
      AAC_FRAME_SECONDS,
    )
    expect(track.emptyEditSeconds).toBe(0)
  })

  test('has an MP4 with its index first, as long as the streams', async () => {
    const { url_mp4 } = await readVideo(t.db, id)
    const mp4 = await bytes(url_mp4)
    expect(mp4.indexOf('moov')).toBeGreaterThan(0)
    expect(mp4.indexOf('moov')).toBeLessThan(mp4.indexOf('mdat'))
    const durations = await ffprobe(context.storage.localPath(url_mp4 ?? ''), 'stream=duration')
    expect(durations).toHaveLength(2)
    for (const duration of durations) expect(Math.abs(Number(duration) - 3)).toBeLessThan(0.05)
  })

  test('has a poster that is a JPEG of its size', async () => {
    const { thumbnail } = await readVideo(t.db, id)
    expect((await bytes(thumbnail)).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]))
    const size = await ffprobe(context.storage.localPath(thumbnail ?? ''), 'stream=width,height')
    expect(size).toEqual(['320', '240'])
  })

  test('has a placeholder for it in the row: a JPEG of a few pixels, and no file', async () => {
    const { placeholder } = await readVideo(t.db, id)
    const [, base64 = ''] = /^data:image\/jpeg;base64,(.+)$/.exec(placeholder ?? '') ?? []
    const file = path.join(await makeFolder(), 'placeholder.jpg')
    await writeFile(file, Buffer.from(base64, 'base64'))
    expect(await ffprobe(file, 'stream=width,height')).toEqual(['16', '12'])
    expect((await stat(file)).size).toBeLessThanOrEqual(600)
    expect((await listKeys(context, `videos/${id}`)).filter(key => key.includes('placeholder'))).toEqual([])
  })

  test('gives away neither the place nor the title that its source names', async () => {
    expect((await text(sourceKey(id))).includes(LOCATION.slice(0, 8))).toBe(true)
    for (const key of await listKeys(context, `videos/${id}`)) {
      const content = (await bytes(key)).toString('latin1')
      expect(content.includes(LOCATION.slice(0, 8)), key).toBe(false)
      expect(content.includes('Secret'), key).toBe(false)
    }
  })

  test('leaves its source as it was, nothing in scratch, and no file that no row names', async () => {
    expect((await bytes(sourceKey(id))).equals(await readFile(clip))).toBe(true)
    expect(await scratch()).toEqual([])
    const renditions = await t.db.selectFrom('renditions').select(['key', 'segments']).execute()
    const { url_hls } = await readVideo(t.db, id)
    const named = renditions.flatMap(({ key, segments }) => {
      const uris = (segments as { uri: string }[]).map(segment => segment.uri)
      const init = uris.length > 0 ? ['init.mp4'] : []
      return [key, ...[...init, ...uris].map(uri => `${path.dirname(key)}/${uri}`)]
    })
    expect(await listKeys(context, `videos/${id}`)).toEqual([...named, url_hls].sort())
  })

  test('is not made again by a second delivery of its job', async () => {
    const before = await listKeys(context, 'videos')
    await t.boss.send('ladder', { videoId: id }, { singletonKey: id })
    await runJob(context, 'ladder')
    expect(await attemptsOf(t.db, id)).toHaveLength(1)
    expect(await listKeys(context, 'videos')).toEqual(before)
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })

  async function measure(name: string) {
    const { url_hls } = await readVideo(t.db, id)
    const base = `${path.dirname(url_hls ?? '')}/${name}`
    const lines = (await text(`${base}/index.m3u8`)).split('\n')
    const uris = lines.filter(line => line !== '' && !line.startsWith('#'))
    const durations = lines.flatMap(line => /^#EXTINF:([\d.]+),$/.exec(line)?.[1] ?? []).map(Number)
    const [track] = readInitSegment(await bytes(`${base}/init.mp4`))
    if (!track) throw new Error('no track')
    const fragments = []
    for (const uri of uris) fragments.push(...readMediaSegment(await bytes(`${base}/${uri}`), [track]))
    return {
      ...{ track, uris, fragments },
      starts: fragments.map(fragment => fragment.baseDecodeSeconds),
      seconds: sum(fragments.map(fragment => fragment.durationSeconds)),
      listedSeconds: sum(durations),
    }
  }
})

describe('an unusual video is ready too:', () => {
  beforeEach(empty)

  test.each([
    ['without sound', { hasAudio: false, seconds: 1 }, 320, 240],
    [
      'of odd size',
      {
        width: 161,
        height: 121,
        seconds: 1,
        options: ['-vf', 'format=yuv444p,pad=161:121', '-pix_fmt', 'yuv444p'],
      },
      161,
      121,
    ],
    ['shorter than a segment, portrait', { width: 180, height: 320, seconds: 0.4 }, 180, 320],
  ])('%s', async (_, options, width, height) => {
    const id = await upload(await makeClip(folder, 'unusual.mp4', options))
    await runJob(context, 'ladder')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', width, height, error_code: null })
    const kinds = (await t.db.selectFrom('renditions').select('kind').execute()).map(({ kind }) => kind)
    expect(kinds.includes('audio')).toBe(!('hasAudio' in options))
    expect(kinds).toContain('mp4')
    await expectCleanHls(id)
  })
})

test('a rung that adds nothing is neither published nor kept', async () => {
  await empty()
  // Noise takes whatever the cap allows, and the caps of 500 and 496 lines are nearly the same.
  const options = ['-vf', 'noise=alls=100:allf=t']
  const id = await upload(
    await makeClip(folder, 'two.mp4', { width: 888, height: 500, seconds: 3, fps: 10, options }),
  )
  await runJob({ ...context, config: { ...context.config, ladder: [500, 496, 240] } }, 'ladder')
  await expectCleanHls(id)
  const { url_hls } = await readVideo(t.db, id)
  const base = path.dirname(url_hls ?? '')
  const folders = (await listKeys(context, base)).map(key => path.dirname(key.slice(base.length + 1)))
  expect([...new Set(folders)].sort()).toEqual(['.', 'audio', 'audio-low', 'low', 'v240', 'v500'])
})

describe('no rule of HLS is broken by the ladder of a video', () => {
  beforeEach(empty)
  const VARIABLE = ['-vf', "select='mod(n,5)+gt(mod(n,60),40)'", '-vsync', 'vfr']

  test.each([
    ['of 29.97 frames a second', { seconds: 5, fps: 30_000 / 1001 }, '29.970'],
    ['of 23.976 frames a second', { seconds: 5, fps: 24_000 / 1001 }, '23.976'],
    ['of 50 frames a second', { seconds: 5, fps: 50 }, '50.000'],
    ['of a variable rate', { seconds: 5, options: VARIABLE }, '30.000'],
    ['in portrait', { width: 120, height: 214, seconds: 5 }, '30.000'],
    ['without sound', { seconds: 5, hasAudio: false }, '30.000'],
    // The worst for a peak: nothing to predict, and a short last segment.
    ['of noise', { seconds: 4.1, fps: 60, options: ['-vf', 'noise=alls=100:allf=t'] }, '60.000'],
    ['that lasts 1.49 s, its sound longer', { seconds: 1.49 }, '30.000'],
  ])('%s', async (_, options, frameRate) => {
    const id = await upload(await makeClip(folder, 'ruled.mp4', { width: 160, height: 120, ...options }))
    await runJob({ ...context, config: { ...context.config, ladder: [240, 120, 72] } }, 'ladder')
    const master = await expectCleanHls(id)
    expect(master).toContain(`FRAME-RATE=${frameRate}`)
  })
})

describe('a bad file fails at once, says why, and leaves nothing but itself:', () => {
  beforeEach(empty)
  const file = (name: string) => path.join(folder, name)

  test.each([
    ['nothing', 'empty_file', () => writeFile(file('bad'), '')],
    ['text', 'not_a_video', () => writeFile(file('bad'), 'dear diary\n'.repeat(1000))],
    ['an image', 'not_a_video', () => ffmpeg('-frames:v', '1', '-f', 'image2', '-update', '1', file('bad'))],
    ['sound', 'audio_only', () => ffmpeg('-vn', '-f', 'mp3', file('bad'))],
    ['a file without its end, and so without index', 'damaged', () => cut(['-f', 'mp4'], 0.5)],
    [
      'a file without its end, index first',
      'truncated',
      () => cut(['-f', 'mp4', '-movflags', '+faststart'], 0.5),
    ],
    ['an encrypted file', 'encrypted', () => ffmpeg('-c', 'copy', ...ENCRYPTED, '-f', 'mp4', file('bad'))],
  ])('%s: %s', async (_, code, make) => {
    await make()
    const id = await upload(file('bad'))
    await runJob(context, 'ladder')
    const video = await readVideo(t.db, id)
    expect(video).toMatchObject({ status: 'failed', error_code: code, publication_id: null })
    expect(video.error_message).toMatch(/^[A-Z].*\.$/)
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'failed', cause: 'video' }])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
    expect(await listKeys(context, 'videos')).toEqual([])
    expect(await context.storage.stat(sourceKey(id))).not.toBeNull()
    expect(await scratch()).toEqual([])
  })

  const KEY = '0123456789abcdef0123456789abcdef'
  const ENCRYPTED = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', KEY, '-encryption_kid', KEY]

  async function ffmpeg(...args: string[]): Promise<void> {
    await run('ffmpeg', ['-y', '-v', 'error', '-i', clip, ...args])
  }

  async function cut(args: string[], share: number): Promise<void> {
    await ffmpeg('-c', 'copy', ...args, file('bad'))
    await truncate(file('bad'), Math.round((await readFile(file('bad'))).length * share))
  }
})

describe.each(['first', 'ladder'] as const)(
  'the length of a video that says none is measured by the %s',
  work => {
    const queueOf = { first: queueUpload, ladder: queueVideo }
    test.each([
      ['as long as is allowed, it is taken whole', 2, null],
      ['longer, it is refused, and not cut off', 4, 'too_long'],
    ])('%s', async (_, seconds, code) => {
      await empty()
      const options = ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus', '-live', '1']
      const id = await upload(
        await makeClip(await makeFolder(), 'live.webm', { seconds, options }),
        queueOf[work],
      )
      const strict = await createWorkerContext(t, { LADDER: '240', MAX_DURATION_SECONDS: '2' })
      await runJob({ ...strict, storage: context.storage }, work)
      expect(await attemptsOf(t.db, id)).toMatchObject([
        { outcome: code ? 'failed' : 'won', error_code: code },
      ])
    })
  },
)

test('a video above MAX_DURATION_SECONDS fails before anything is encoded, and says the limit', async () => {
  await empty()
  const strict = await createWorkerContext(t, { LADDER: '240', MAX_DURATION_SECONDS: '2' })
  const id = await upload(clip)
  await runJob({ ...context, config: strict.config }, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({
    ...{ status: 'failed', error_code: 'too_long' },
    error_message: 'The video lasts 0:03; at most 0:02 is allowed. Cut it and upload it again.',
  })
  const stages = await t.db
    .selectFrom('events')
    .select('stage')
    .where('video_id', '=', id)
    .orderBy('id')
    .execute()
  expect(stages.map(({ stage }) => stage)).toEqual([
    ...['uploading', 'received', 'queued', 'claimed', 'probing', 'failed'],
  ])
})

describe('in the middle of an encode', () => {
  // Without sound, its first FFmpeg is the ladder's.
  let silent: string
  beforeAll(async () => {
    silent = await makeClip(folder, 'silent.mp4', { seconds: 3, hasAudio: false })
  })
  beforeEach(async () => {
    await empty()
    // FFmpeg at the speed of the video: no test can come too late.
    await useFfmpeg(context, 'exec ffmpeg -re "$@"')
  })

  test('a worker that has to stop hands back at once: queued, one live job, nothing left', async () => {
    const stop = new AbortController()
    const { id, done } = await encode({ stopping: stop.signal })
    const stopped = performance.now()
    stop.abort(new Error('worker stopping (SIGTERM)'))
    await done
    expect(performance.now() - stopped).toBeLessThan(3000)
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', progress: 0 })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'handed_back' }])
    await expectNothingLeft()
  })

  test('a video that is deleted stops its work, and nothing of it is published', async () => {
    const { id, done } = await encode()
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))
    await expect(done).rejects.toThrow(JobLost)
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'cancelled' }])
    await expectNothingLeft()
  })

  test('a job that is taken away stops its work and leaves the rest to whoever has it', async () => {
    const taken = new AbortController()
    const { id, done } = await encode({}, taken.signal)
    taken.abort(new Error('cancelled'))
    await expect(done).rejects.toThrow(JobLost)
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'running' }])
    await claimVideo(t, id)
    expect((await attemptsOf(t.db, id))[0]).toMatchObject({ outcome: 'crashed' })
    await expectNothingLeft()
  })

  test('an FFmpeg that is killed from outside is tried again', async () => {
    const { id, done } = await encode()
    for (const pid of await processesIn(context.scratchRoot)) process.kill(pid, 'SIGKILL')
    await done
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', error_code: null })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['retry'])
    expect(await attemptsOf(t.db, id)).toMatchObject([
      { outcome: 'failed', cause: 'world', error_code: 'ffmpeg_killed' },
    ])
    await expectNothingLeft()
  })

  async function encode(overrides: Partial<WorkerContext> = {}, signal = new AbortController().signal) {
    const id = await upload(silent)
    const job = await takeJob(t.boss, 'ladder', signal)
    const done = ladder({ ...context, ...overrides }, { videoId: id }, job)
    await expect.poll(() => processesIn(context.scratchRoot)).toHaveLength(1)
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'processing', stage: 'encoding' })
    return { id, done }
  }

  async function expectNothingLeft(): Promise<void> {
    expect(await processesIn(context.scratchRoot)).toEqual([])
    expect(await scratch()).toEqual([])
    expect(await listKeys(context, 'videos')).toEqual([])
  }
})

describe('what is nobody’s fault', () => {
  beforeEach(empty)

  test('a source that is not in the storage is looked for again', async () => {
    const id = await queueVideo(t)
    await runJob(context, 'ladder')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'queued', error_code: null })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['retry'])
    expect(await attemptsOf(t.db, id)).toMatchObject([{ cause: 'world', error_code: 'source_missing' }])
  })

  test('a video whose workers were killed ten times is given up, its last attempt ended', async () => {
    const id = await queueVideo(t)
    for (let kill = 0; kill < 10; kill++) await claimVideo(t, id)
    await loseJob(t.boss, id)
    await runJob(context, 'ladder')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'gave_up' })
    const outcomes = (await attemptsOf(t.db, id)).map(({ outcome }) => outcome)
    expect(outcomes).toEqual(Array.from({ length: 10 }, () => 'crashed'))
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })

  test('scratch that killed workers left is removed, that of a running attempt stays', async () => {
    const attempt = await claimVideo(t, await queueVideo(t))
    const root = await makeScratch([attempt.token, crypto.randomUUID(), crypto.randomUUID()])
    expect(await sweepScratch(t.db, root)).toBe(2)
    expect(await readdir(root)).toEqual([attempt.token])
  })

  test('a box that a dead worker left waiting for a word is ended, that of a running attempt is not', async () => {
    const attempt = await claimVideo(t, await queueVideo(t))
    const dead = crypto.randomUUID()
    const root = await makeScratch([attempt.token, dead])
    const [running, orphan] = [attempt.token, dead].map(token => startWaitingBox(path.join(root, token)))
    onTestFinished(() => void running?.kill('SIGKILL'))
    // Also when the folder has gone before it.
    await rm(path.join(root, dead), { recursive: true })
    await sweepScratch(t.db, root)
    await expect.poll(() => orphan?.signalCode).toBe('SIGKILL')
    expect(running?.exitCode ?? running?.signalCode).toBeNull()
  })
})

async function makeScratch(tokens: string[]): Promise<string> {
  const root = path.join(folder, 'scratch')
  for (const token of tokens) await mkdir(path.join(root, token, 'v240'), { recursive: true })
  return root
}

/** One that a pipe keeps from going on. */
function startWaitingBox(scratch: string): ChildProcess {
  const words = ['--ro-bind', '/', '/', '--bind-try', scratch, scratch, '--block-fd', '3', '--', 'true']
  return spawn('bwrap', words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
}

/** Stores a file as the web does, and queues it. */
async function upload(file: string, queue = queueVideo): Promise<string> {
  const { length } = await readFile(file)
  const id = await queue(t, length)
  await copyFile(file, path.join(context.storage.sourcesDir, id))
  return id
}

/** @returns the master playlist */
async function expectCleanHls(id: string): Promise<string> {
  const { url_hls } = await readVideo(t.db, id)
  const master = context.storage.localPath(url_hls ?? '')
  expect(await lintHls(path.dirname(master), path.basename(master))).toEqual([])
  return (await readFile(master)).toString()
}

async function scratch(): Promise<string[]> {
  return readdir(context.scratchRoot)
}

async function ffprobe(file: string, entries: string): Promise<string[]> {
  const whitelist = file.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL'] : []
  const print = ['-show_entries', entries, '-of', 'default=nw=1:nk=1']
  const { stdout } = await run('ffprobe', ['-v', 'error', ...whitelist, ...print, file])
  return stdout.trim().split('\n')
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
