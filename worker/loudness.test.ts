// How loud videos are published, heard by FFmpeg's own meter in what the storage has in the end. What a
// source has is known from theory: a sine of 997 Hz and amplitude a in both channels has 20 lg a LUFS
// (BS.1770-4: the weighting's 0.691 dB at that frequency are its constant; half the power, twice).
import { execFile } from 'node:child_process'
import { copyFile, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { attemptsOf, emptyDatabase, queueUpload, queueVideo, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, makeFolder, runJob, useFfmpeg } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const run = promisify(execFile)

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

const sine = (decibels: number, hertz = 997) => `${10 ** (decibels / 20)}*sin(2*PI*${hertz}*t)`
const stereo = (left: string, right = left) => `aevalsrc='${left}|${right}':s=48000`
const PINK = 'anoisesrc=c=pink:r=48000:a=0.05:s=1'

describe('a ladder brings to −14 LUFS, with no peak above −1 dBTP,', () => {
  test.each([
    ['a tone of −20 LUFS', stereo(sine(-20)), 4],
    ['a tone of −3 LUFS', stereo(sine(-3)), 4],
    ['a tone of −45 LUFS in one channel', stereo(sine(-42), '0'), 4],
    ['mono of 22 050 Hz', `aevalsrc='${sine(-20)}':s=22050`, 4],
    ['pink noise', `${PINK},aformat=channel_layouts=stereo`, 6],
    ['speech with bursts of 30 dB more', `${PINK},volume='if(lt(mod(t,2),0.15),20,0.6)':eval=frame`, 8],
    ['knocks', `${PINK},volume='20*exp(-12*mod(t,0.5))':eval=frame`, 8],
    ['a square wave, whose peaks lie between samples', `aevalsrc='0.2*sgn(sin(2*PI*317.3*t))':s=48000`, 4],
    ['5.1', `aevalsrc='${[300, 400, 997, 50, 500, 600].map(hz => sine(-6, hz)).join('|')}':c=5.1:s=48000`, 4],
  ])('%s', async (_, sound, seconds) => {
    const id = await ladder(await clip(sound, seconds))
    for (const [name, heard] of Object.entries(await listen(id))) {
      expect(Math.abs(heard.lufs + 14), `${name}: ${heard.lufs} LUFS`).toBeLessThanOrEqual(1)
      expect(heard.peakDb, name).toBeLessThanOrEqual(-1)
    }
  })
})

describe('is left as it is:', () => {
  test.each([
    ['what is below −50 LUFS', stereo(sine(-55)), 4, -55],
    ['what lasts two seconds', stereo(sine(-30)), 2, -30],
  ])('%s', async (_, sound, seconds, lufs) => {
    const id = await ladder(await clip(sound, seconds))
    for (const heard of Object.values(await listen(id))) expect(Math.abs(heard.lufs - lufs)).toBeLessThan(1)
  })

  test('silence', async () => {
    const id = await ladder(await clip('anullsrc', 4))
    for (const heard of Object.values(await listen(id))) expect(heard.lufs).toBe(-70)
  })

  test('the sound of a first rung', async () => {
    const id = await queue(await clip(stereo(sine(-30)), 4), queueUpload)
    await runJob(context, 'first')
    expect(Math.abs((await listen(id, ['audio/index.m3u8'])).audio?.lufs ?? 0) - 30).toBeLessThan(1)
  })

  test.each([
    ['fails', 'exit 1'],
    ['is killed', 'kill -KILL $$'],
    ['says nothing', 'exit 0'],
  ])('a sound whose measuring %s', async (_, instead) => {
    await useFfmpeg(context, `case "$*" in *ebur128*) ${instead};; esac; exec ffmpeg "$@"`)
    const id = await ladder(await clip(stereo(sine(-30)), 4))
    expect(await attemptsOf(t.db, id)).toMatchObject([{ outcome: 'won' }])
    for (const heard of Object.values(await listen(id))) expect(Math.abs(heard.lufs + 30)).toBeLessThan(1)
  })
})

test('dialogue of 5.1 stays in front of what is around it, and nothing clips', async () => {
  // All channels in phase, the worst for a sum, which would be 7.7 dB more. Too short to be measured.
  const sound = (centre: string, others: string) =>
    `aevalsrc='${[others, others, centre, others, others, others].join('|')}':c=5.1:s=48000`
  const loud = await ladder(await clip(sound(sine(-6), sine(-6)), 2))
  for (const heard of Object.values(await listen(loud))) expect(heard.peakDb).toBeLessThan(0)
  const alone = await ladder(await clip(sound(sine(-6), '0'), 2))
  // BS.775: the centre goes to both at 0.707 of 1 + 0.707 + 0.707.
  const expected = -6 + 20 * Math.log10(Math.SQRT1_2 / (1 + Math.SQRT2))
  expect(Math.abs(((await listen(alone)).audio?.lufs ?? 0) - expected)).toBeLessThan(1)
})

/** A picture that costs nothing, and a sound that is all that FFmpeg's expression says. */
async function clip(sound: string, seconds: number): Promise<string> {
  const file = path.join(folder, 'clip.mkv')
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=128x72:r=5', '-f', 'lavfi', '-i', sound],
    ...['-t', String(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'pcm_f32le', file],
  ])
  return file
}

async function queue(file: string, queueAs = queueVideo): Promise<string> {
  const id = await queueAs(t, (await readFile(file)).length)
  await copyFile(file, path.join(context.storage.sourcesDir, id))
  return id
}

async function ladder(file: string): Promise<string> {
  const id = await queue(file)
  await runJob(context, 'ladder')
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready' })
  return id
}

/** Each of the published files that have sound. */
async function listen(id: string, names = ['audio/index.m3u8', 'audio-low/index.m3u8', 'video.mp4']) {
  const { url_hls } = await readVideo(t.db, id)
  const heard: Record<string, { lufs: number; peakDb: number }> = {}
  for (const name of names) {
    const file = path.join(path.dirname(context.storage.localPath(url_hls ?? '')), name)
    const { stderr } = await run('ffmpeg', [
      ...[
        '-hide_banner',
        '-nostats',
        ...(name.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL'] : []),
        '-i',
        file,
      ],
      ...['-vn', '-af', 'ebur128=peak=true:framelog=verbose', '-f', 'null', '-'],
    ])
    const [, lufs, peakDb] = /\bI: +(\S+) LUFS.*\bPeak: +(\S+) dBFS/s.exec(stderr) ?? []
    heard[path.dirname(name) === '.' ? 'mp4' : path.dirname(name)] = {
      lufs: Number(lufs),
      peakDb: Number(peakDb),
    }
  }
  return heard
}
