// The first rung as a worker makes it: real FFmpeg, Postgres and storage, tiny clips.
import { spawnSync } from 'node:child_process'
import { copyFile, readdir, readFile, truncate } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { JobLost } from '#db/boss.ts'
import { deleteVideo } from '#db/videos.ts'
import { readInitSegment, readMediaSegment } from '#media/bmff.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { fetchGrowing } from '#test/growing-lists.ts'
import { lintHls } from '#test/hls-linter.ts'
import {
  attemptsOf,
  emptyDatabase,
  liveJobs,
  loseJob,
  queueUpload,
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
  useFfprobe,
} from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { SCRATCH_PLAYLIST } from './ffmpeg/args.ts'
import { first } from './first.ts'

// What every player takes, and what none does.
const USUAL = { seconds: 5, options: ['-g', '30'] }
const UNUSUAL = { seconds: 5, options: ['-c:v', 'mpeg4'] }

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '240' })
  folder = await makeFolder()
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

describe.each([
  ['what every player takes is cut as it is', USUAL, 'copy', 'copy-audio'],
  [
    'what every player takes but its sound',
    { seconds: 5, options: ['-g', '30', '-c:a', 'mp3'] },
    'copy',
    'copy-audio',
  ],
  ['what no player takes gets one small rendition', UNUSUAL, 'v240', 'audio'],
])('%s:', (_, clip, video, audio) => {
  test('it plays, and its ladder is on its way', async () => {
    const id = await receive(clip)
    await runJob(context, 'first')
    const row = await readVideo(t.db, id)
    expect(row).toMatchObject({
      ...{ status: 'processing', stage: 'playable', playable_at: expect.any(Date) },
      ...{ width: 320, height: 240, url_hls: expect.stringMatching(/\/master\.m3u8$/) },
    })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ kind: 'first', outcome: 'won' }])
    expect(await liveJobs(t.boss, 'first', id)).toEqual([])
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual(['created'])
    expect(row.thumbnail).toMatch(new RegExp(`/${video}/poster\\.jpg$`))
    const poster = await readFile(context.storage.localPath(row.thumbnail ?? ''))
    expect(poster.subarray(0, 2).toString('hex'), 'a JPEG').toBe('ffd8')
    expect(row.placeholder).toMatch(/^data:image\/jpeg;base64,.{200,800}$/)
    const master = await stored(row.url_hls)
    expect(master).toContain(`\n${video}/index.m3u8\n`)
    expect(master).toContain(`URI="${audio}/index.m3u8"`)
    const folder = path.dirname(context.storage.localPath(row.url_hls ?? ''))
    expect(await lintHls(folder, 'master.m3u8', 'first rung')).toEqual([])
    const streams = await Promise.all([video, audio].map(name => measure(row.url_hls ?? '', name)))
    for (const { startSeconds, seconds } of streams) {
      expect(startSeconds).toBeCloseTo(0, 1)
      expect(seconds).toBeCloseTo(5, 1)
    }
    expect(await readdir(context.scratchRoot)).toEqual([])
  })
})

test('the ladder takes over, and does not probe again', async () => {
  const id = await receive(USUAL)
  await runJob(context, 'first')
  const before = await readVideo(t.db, id)
  await useFfmpeg(context, 'exec ffmpeg "$@"')
  await runJob({ ...context, config: { ...context.config, ffprobePath: '/nowhere' } }, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({
    ...{ status: 'ready', playable_at: before.playable_at, url_mp4: expect.any(String) },
  })
  expect((await readVideo(t.db, id)).url_hls).not.toBe(before.url_hls)
  expect(await stored(before.url_hls), 'who watches it goes on').toContain('#EXTM3U')
})

describe('while it grows', () => {
  // At the speed of the video: no test can come too late.
  const slowly = () => useFfmpeg(context, 'exec ffmpeg -re "$@"')

  test('it plays from its first segment on, and is listed as it is stored', async () => {
    await slowly()
    const { id, done } = await begin(UNUSUAL)
    await expect.poll(() => playableAt(id)).not.toBeNull()
    expect(await readVideo(t.db, id)).toMatchObject({
      status: 'processing',
      url_hls: null,
      duration_ms: 5000,
    })
    const { publication_id } = await readVideo(t.db, id)
    const fetch = await fetchGrowing(t.db, context.storage, id, publication_id ?? '')
    expect(await lintHls(fetch, 'master.m3u8', 'first rung')).toEqual([])
    const [early] = await listed(id)
    expect(early).toMatchObject({ complete: false, target_seconds: 2 })
    for (const { uri } of early?.segments ?? []) expect(await isStored(early?.key ?? '', uri)).toBe(true)
    await expect.poll(async () => (await readVideo(t.db, id)).thumbnail).not.toBeNull()
    await done
    const whole = await listed(id)
    expect(whole.map(({ complete, segments }) => [complete, segments.length])).toEqual([
      [true, 4], // 0, 1, 2 and 4 s
      [true, 6],
    ])
  })

  test('a segment right after another is told, also when no third one comes', async () => {
    await useFfmpeg(context, secondSegmentSoon)
    const stop = new AbortController()
    const { id, done } = await begin(UNUSUAL, { stopping: stop.signal })
    const counts = async () => (await listed(id)).map(({ segments }) => segments.length)
    await expect.poll(counts).toEqual([2, 2])
    stop.abort(new Error('worker stopping (SIGTERM)'))
    await done
  })

  test.each([
    ['as long as it says', '5'],
    ['shorter', '7'],
    ['longer', '3'],
  ])(
    'its last segment is not listed before it is whole, being %s: a player would not hear of the end',
    async (_, claim) => {
      await useFfprobe(context, `ffprobe "$@" | sed 's/"duration": "5[^"]*"/"duration": "${claim}"/'`)
      await useFfmpeg(
        context,
        secondSegmentSoon.replace('show 1', 'show 2').replace('show 2\nexec', 'show 9\nexec'),
      )
      const stop = new AbortController()
      const { id, done } = await begin(UNUSUAL, { stopping: stop.signal })
      const counts = async () => (await listed(id)).map(({ segments }) => segments.length)
      await expect.poll(async () => (await listKeys(context, 'videos')).filter(isSegment).length).toBe(10)
      await expect.poll(counts).toEqual([3, 5])
      stop.abort(new Error('worker stopping (SIGTERM)'))
      await done
    },
  )

  test('a worker that has to stop hands back: what there is plays on, the next goes on with it', async () => {
    await slowly()
    const stop = new AbortController()
    const { id, done } = await begin(UNUSUAL, { stopping: stop.signal })
    await expect.poll(() => playableAt(id)).not.toBeNull()
    stop.abort(new Error('worker stopping (SIGTERM)'))
    await done
    const before = await readVideo(t.db, id)
    expect(await liveJobs(t.boss, 'first', id)).toEqual(['created'])
    await useFfmpeg(context, 'exec ffmpeg "$@"')
    await runJob(context, 'first')
    const after = await readVideo(t.db, id)
    expect(after).toMatchObject({ playable_at: before.playable_at, url_hls: expect.any(String) })
    expect(after.publication_id).not.toBe(before.publication_id)
    expect((await attemptsOf(t.db, id)).map(({ outcome }) => outcome)).toEqual(['handed_back', 'won'])
    expect(await readdir(context.scratchRoot)).toEqual([])
  })

  test('a video that is deleted stops its work', async () => {
    await slowly()
    const { id, done } = await begin(UNUSUAL)
    await expect.poll(() => playableAt(id)).not.toBeNull()
    await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, id))
    // Its row and files go at once; what is stored after that has nobody to ask for it.
    await runJob(context, 'purge')
    await expect(done).rejects.toThrow(JobLost)
    await expect.poll(() => processesIn(context.scratchRoot)).toEqual([])
    expect(await listKeys(context, 'videos')).toEqual([])
  })

  test('a job that another worker has by now: one wins, what the other stored unlisted goes', async () => {
    // Stops before its first segment, until it is told to go on.
    await useFfmpeg(context, 'trap go=1 USR1; while [ -z "$go" ]; do sleep 0.1; done; exec ffmpeg "$@"')
    const { id, done } = await begin(UNUSUAL)
    await expect.poll(() => processesIn(context.scratchRoot)).not.toEqual([])
    await loseJob(t.boss, id, 'first')
    await useFfmpeg(context, 'exec ffmpeg "$@"')
    const asleep = await processesIn(context.scratchRoot)
    // Of another machine: else it would clean up here as well.
    const other = { ...context, scratchRoot: path.join(await makeFolder(), 'scratch') }
    await runJob(other, 'first')
    const [winner, keys] = [await readVideo(t.db, id), await listKeys(context, 'videos')]
    // One of them may be its `sleep`, which ends by itself.
    for (const pid of asleep) spawnSync('kill', ['-USR1', String(pid)])
    await expect(done).rejects.toThrow(JobLost)
    expect(await readVideo(t.db, id)).toEqual(winner)
    expect(await listKeys(context, 'videos')).toEqual(keys)
  })
})

describe('a copy is begun while ffprobe still reads:', () => {
  test('its first segment is there before ffprobe has answered', async () => {
    const segment = `${context.scratchRoot}/*/copy/00000.m4s`
    const wait = `until ls ${segment}; do sleep 0.1; [ $((tries += 1)) -lt 100 ] || exit 3; done >&2`
    await useFfprobe(context, `${wait}; exec ffprobe "$@"`)
    const id = await receive(USUAL)
    await runJob(context, 'first')
    expect(await stored((await readVideo(t.db, id)).url_hls)).toContain('\ncopy/index.m3u8\n')
  })

  test('what ffprobe knows better is encoded, and nothing is left of the copy', async () => {
    await useFfprobe(context, 'ffprobe "$@" | sed s/yuv420p/yuv422p/')
    const id = await receive(USUAL)
    await runJob(context, 'first')
    expect(await stored((await readVideo(t.db, id)).url_hls)).toContain('\nv240/index.m3u8\n')
    expect((await listKeys(context, 'videos')).filter(key => key.includes('/copy'))).toEqual([])
  })

  test('what it has begun otherwise is begun again', async () => {
    await useFfprobe(context, 'ffprobe "$@" | sed "/codec_type/s/audio/data/"')
    const id = await receive(USUAL)
    await runJob(context, 'first')
    const { url_hls } = await readVideo(t.db, id)
    expect(await stored(url_hls)).toContain('\ncopy/index.m3u8\n')
    expect(await stored(url_hls), 'silent, as ffprobe has it').not.toContain('copy-audio')
  })

  test('a source that fails ends it', async () => {
    await useFfmpeg(context, 'exec sleep 3600')
    await useFfprobe(context, 'sleep 0.5; echo moov atom not found >&2; exit 1')
    const id = await receive(USUAL)
    await runJob(context, 'first')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'damaged' })
    expect(await processesIn(context.scratchRoot)).toEqual([])
    expect(await listKeys(context, 'videos')).toEqual([])
  })
})

describe('what fails costs no video:', () => {
  test('a copy that does not play is encoded instead, once', async () => {
    await useFfmpeg(context, 'case "$*" in *" -c copy "*) exit 1;; esac; exec ffmpeg "$@"')
    const id = await receive(USUAL)
    await runJob(context, 'first')
    expect(await stored((await readVideo(t.db, id)).url_hls)).toContain('\nv240/index.m3u8\n')
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'won' }])
    expect((await listKeys(context, 'videos')).filter(key => key.includes('/copy'))).toEqual([])
  })

  test.each([
    ['fails', 'exit 1'],
    ['is killed', 'kill -KILL $$'],
    ['writes nothing', 'exit 0'],
  ])('a poster whose FFmpeg %s is left to the ladder', async (_, end) => {
    await useFfmpeg(context, `case "$*" in *poster.jpg*) ${end};; esac; exec ffmpeg "$@"`)
    const id = await receive(USUAL)
    await runJob(context, 'first')
    expect(await readVideo(t.db, id)).toMatchObject({ url_hls: expect.any(String), thumbnail: null })
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'won' }])
  })

  test('a copy that turns out not to play is ended before the encode begins', async () => {
    // A first segment that is none, and an FFmpeg that would go on for an hour.
    const endless = [
      'mkdir -p away/copy away/copy-audio && (cd away && ffmpeg "$@") && echo x >away/copy/00000.m4s',
      'for name in copy copy-audio; do cp away/$name/*.m[4p]* $name; cp away/$name/*.m3u8 $name; done',
      'exec sleep 3600',
    ]
    await useFfmpeg(context, `case "$*" in *" -c copy "*) ${endless.join('; ')};; esac; exec ffmpeg "$@"`)
    const id = await receive({ ...USUAL, seconds: 1 })
    await runJob(context, 'first')
    expect(await stored((await readVideo(t.db, id)).url_hls)).toContain('\nv240/index.m3u8\n')
    expect(await processesIn(context.scratchRoot)).toEqual([])
  })

  test('sound that begins late keeps its place beside a copied picture', async () => {
    const plain = await makeClip(folder, 'in-time.mp4', USUAL)
    const late = path.join(folder, 'late.mp4')
    const inputs = ['-i', plain, '-itsoffset', '0.5', '-i', plain, '-map', '0:v', '-map', '1:a']
    spawnSync('ffmpeg', ['-y', '-v', 'error', ...inputs, '-c', 'copy', late])
    const id = await receiveFile(late)
    await runJob(context, 'first')
    const { url_hls } = await readVideo(t.db, id)
    const sound = await measure(url_hls ?? '', 'copy-audio')
    expect(sound.startSeconds, 'silence first: players ignore what an edit list says').toBeCloseTo(0, 1)
    expect(sound.seconds).toBeCloseTo(5.5, 1)
    expect(await stored(url_hls)).toContain('\ncopy/index.m3u8\n')
  })

  test('an FFmpeg that fails leaves it to the ladder', async () => {
    await useFfmpeg(context, 'exit 1')
    const id = await receive(USUAL)
    await runJob(context, 'first')
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'failed', cause: 'ours' }])
    expect(await liveJobs(t.boss, 'first', id)).toEqual([])
    await useFfmpeg(context, 'exec ffmpeg "$@"')
    await runJob(context, 'ladder')
    expect((await readVideo(t.db, id)).status).toBe('ready')
  })

  test('a file that ends too soon: what there is plays until its ladder has said so', async () => {
    const file = await makeClip(folder, 'cut.mp4', {
      ...UNUSUAL,
      options: [...UNUSUAL.options, '-movflags', '+faststart'],
    })
    const { length } = await readFile(file)
    await truncate(file, Math.floor(length * 0.6))
    const id = await receiveFile(file)
    await runJob(context, 'first')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'processing', url_hls: null })
    expect(await liveJobs(t.boss, 'first', id)).toEqual([])
    await runJob(context, 'ladder')
    expect(await readVideo(t.db, id)).toMatchObject({
      ...{ status: 'failed', error_code: 'truncated', publication_id: null, playable_at: null },
    })
  })

  test('what is no video fails at once', async () => {
    const id = await queueUpload(t, 15)
    await copyFile('/etc/hostname', path.join(context.storage.sourcesDir, id))
    await runJob(context, 'first')
    expect(await readVideo(t.db, id)).toMatchObject({ status: 'failed', error_code: 'not_a_video' })
    expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  })
})

// All is made elsewhere, and then shown: one segment, another at once, and nothing more.
const secondSegmentSoon = `
case "$*" in *poster.jpg*|*-encoders*|*-formats*) exec ffmpeg "$@";; esac
mkdir -p away/v240 away/audio && (cd away && ffmpeg "$@") || exit
show() {
  for name in v240 audio; do
    cp away/$name/*.m[4p]* $name
    awk -v count=$1 '{ print } /m4s/ && ++seen == count { exit }' away/$name/LIST >$name/draft
    mv $name/draft $name/LIST
  done
}
show 1
sleep 0.2
show 2
exec sleep 3600`.replaceAll('LIST', SCRATCH_PLAYLIST)

async function begin(clip: Parameters<typeof makeClip>[2], overrides: Partial<WorkerContext> = {}) {
  const id = await receive(clip)
  const job = await takeJob(t.boss, 'first')
  const done = first({ ...context, ...overrides }, { videoId: id }, job)
  done.catch(() => {}) // awaited later
  return { id, done }
}

/** A video whose last byte came. @returns its id */
async function receive(clip: Parameters<typeof makeClip>[2]): Promise<string> {
  return receiveFile(await makeClip(folder, 'clip.mp4', clip))
}

async function receiveFile(file: string): Promise<string> {
  const id = await queueUpload(t, (await readFile(file)).length)
  await copyFile(file, path.join(context.storage.sourcesDir, id))
  return id
}

function isSegment(key: string): boolean {
  return key.endsWith('.m4s')
}

async function playableAt(id: string): Promise<Date | null> {
  return (await readVideo(t.db, id)).playable_at
}

async function listed(id: string) {
  const rows = await t.db
    .selectFrom('renditions')
    .innerJoin('publication_renditions', 'rendition_id', 'renditions.id')
    .innerJoin('videos', 'videos.publication_id', 'publication_renditions.publication_id')
    .select(['renditions.key', 'segments', 'complete', 'target_seconds'])
    .where('videos.id', '=', id)
    .where('kind', 'in', ['video', 'audio'])
    .orderBy('kind', 'desc')
    .execute()
  return rows.map(row => ({ ...row, segments: row.segments as { uri: string }[] }))
}

async function isStored(key: string, uri: string): Promise<boolean> {
  return (await context.storage.stat(`${path.posix.dirname(key)}/${uri}`)) !== null
}

async function stored(key: string | null): Promise<string> {
  return readFile(context.storage.localPath(key ?? ''), 'utf8')
}

async function measure(masterKey: string, name: string) {
  const folder = context.storage.localPath(`${path.posix.dirname(masterKey)}/${name}`)
  const [track] = readInitSegment(await readFile(path.join(folder, 'init.mp4')))
  if (!track) throw new Error('no track')
  const uris = (await readdir(folder)).filter(uri => uri.endsWith('.m4s')).sort()
  const fragments = await Promise.all(
    uris.map(async uri => readMediaSegment(await readFile(path.join(folder, uri)), [track])),
  )
  const all = fragments.flat()
  return {
    startSeconds: (all[0]?.baseDecodeTicks ?? -1) / track.timescale,
    seconds: all.reduce((sum, fragment) => sum + fragment.durationTicks, 0) / track.timescale,
  }
}
