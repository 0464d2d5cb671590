// Texts of a source as captions of its video, through ladder and extra.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { removableSources } from '#db/leftovers.ts'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { attemptsOf, emptyDatabase, liveJobs, queueVideo, readVideo } from '#test/videos.ts'
import { createWorkerContext, emptyStorage, makeFolder, runJob, useFfmpeg } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const run = promisify(execFile)
const SAMPLE = path.join(import.meta.dirname, '../../shared/media/mkv_sample_with_srt.mkv')

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
let plain: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '120' })
  folder = await makeFolder()
  plain = await makeClip(folder, 'plain.mp4', {
    width: 160,
    height: 120,
    seconds: 3,
    fps: 10,
    hasAudio: false,
  })
})
beforeEach(async () => {
  await emptyDatabase(t)
  await emptyStorage(context)
})

const SRT = `1
00:00:00,500 --> 00:00:01,000
<i>Hello</i> & <script>alert(1)</script>

2
00:00:01,000 --> 00:00:02,000
{\\an8}{\\b1}Second
line
`
const ASS = `[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour
Style: Default,Arial,20,&H00FFFFFF
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:00.50,0:00:01.00,Default,,0,0,0,,{\\pos(10,10)\\c&H0000FF&}Hallo\\NWelt
`
const VTT = `WEBVTT

00:00.500 --> 00:01.000 position:10%
<v Anna>Salut &lt;b&gt;</v>
`

test('each kind of text becomes captions, of its language and name, in its place and without its style', async () => {
  const texts = { 'en.srt': SRT, 'de.ass': ASS, 'fr.vtt': VTT }
  for (const [name, text] of Object.entries(texts)) await writeFile(path.join(folder, name), text)
  const inputs = Object.keys(texts).flatMap(name => ['-i', path.join(folder, name)])
  const source = path.join(folder, 'texts.mkv')
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-i', plain, ...inputs, ...[0, 1, 2, 3, 1].flatMap(n => ['-map', String(n)])],
    ...['-c', 'copy', '-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=ger'],
    ...['-metadata:s:s:2', 'language=fre', '-metadata:s:s:2', 'title=Français \u202e\u0007(SDH)'],
    ...['-metadata:s:s:3', 'language=eng', source],
  ])
  const id = await makeReady(source)
  expect(await captionsOf(id)).toEqual([
    {
      ...{ language: 'en', label: 'English' },
      cues: [
        // FFmpeg takes the script for a tag that it does not know.
        expect.stringMatching(/^00:00:00\.500 --> 00:00:01\.000\nHello &amp; [^<>]*alert\(1\)[^<>]*$/),
        '00:00:01.000 --> 00:00:02.000\nSecond\nline',
      ],
    },
    { language: 'de', label: 'German', cues: ['00:00:00.500 --> 00:00:01.000\nHallo\nWelt'] },
    { language: 'fr', label: 'Français (SDH)', cues: ['00:00:00.500 --> 00:00:01.000\nSalut &lt;b&gt;'] },
    { language: 'en', label: 'English 2', cues: expect.anything() },
  ])
})

test('what phones and editors write (3GPP timed text) does, too; thousands of cues and giants are cut', async () => {
  const time = (tenths: number) =>
    `00:0${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(3).padStart(6, '0').replace('.', ',')}`
  const cues = Array.from(
    { length: 3000 },
    (_, n) => `${n}\n${time(n)} --> ${time(n + 1)}\n${n === 5 ? 'x'.repeat(30_000) : `cue ${n}`}\n`,
  )
  const source = await withText('many.mp4', cues.join('\n'), '-c:s', 'mov_text')
  const [captions] = await captionsOf(await makeReady(source))
  expect(captions).toMatchObject({ language: null, label: 'Captions' })
  expect(captions?.cues).toHaveLength(3000)
  expect(captions?.cues[2999]).toBe('00:04:59.900 --> 00:05:00.000\ncue 2999')
  expect(captions?.cues[5]?.split('\n')[1]).toBe('x'.repeat(200))
})

test('names of chapters, which are text in a data track, are no captions', async () => {
  await writeFile(
    path.join(folder, 'chapters.txt'),
    ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=2\ntitle=Secret\n',
  )
  const source = path.join(folder, 'chapters.mp4')
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-i', plain, '-i', path.join(folder, 'chapters.txt'), '-map', '0'],
    ...['-map_chapters', '1', '-c', 'copy', source],
  ])
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_type', source])
  expect(stdout).toContain('codec_type=data')
  expect(await captionsOf(await makeReady(source))).toEqual([])
})

test('a text that cannot be read costs the others nothing', async () => {
  await writeFile(path.join(folder, 'de.ass'), ASS)
  const source = await withText('two.mkv', SRT)
  const both = path.join(folder, 'both.mkv')
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-i', source, '-i', path.join(folder, 'de.ass'), '-map', '0', '-map', '1'],
    ...['-c', 'copy', both],
  ])
  await useFfmpeg(context, 'case "$*" in *"0:2"*) exit 1;; esac; exec ffmpeg "$@"')
  const captions = await captionsOf(await makeReady(both))
  expect(captions.map(({ cues }) => cues.length)).toEqual([2])
})

test('a source that does not say how long it is has captions all the same', async () => {
  const source = await withText('live.mkv', SRT, '-live', '1')
  expect(await captionsOf(await makeReady(source))).toMatchObject([{ label: 'Captions' }])
})

test('captions that fail cost nothing else, nor does a source that is gone', async () => {
  const source = await withText('one.mkv', SRT)
  for (const lose of [
    () => useFfmpeg(context, 'case "$last" in *.srt) exit 1;; esac; exec ffmpeg "$@"'),
    (id: string) => rm(path.join(context.storage.sourcesDir, id)),
  ]) {
    const id = await makeReady(source, lose)
    expect(await captionsOf(id)).toEqual([])
    expect(await readVideo(t.db, id)).toMatchObject({
      ...{ url_preview: expect.any(String), url_storyboard: expect.any(String) },
    })
    expect((await attemptsOf(t.db, id)).at(-1)).toMatchObject({ kind: 'extra', outcome: 'won' })
  }
})

test('a source that still has captions to give is not removed before its extra', async () => {
  const source = await withText('kept.mkv', SRT)
  const id = await makeReady(source, async id => {
    expect(await liveJobs(t.boss, 'extra', id)).toEqual(['created'])
    expect(await removableSources(t.db, 0)).toEqual([])
  })
  expect(await removableSources(t.db, 0)).toEqual([id])
})

test.each(existsSync(SAMPLE) ? [SAMPLE] : [])('of a file that a player is tested with: %s', async sample => {
  const [captions] = await captionsOf(await makeReady(sample))
  expect(captions).toMatchObject({ language: 'en', label: expect.any(String) })
  expect(captions?.cues.length).toBeGreaterThan(0)
})

async function withText(name: string, srt: string, ...options: string[]): Promise<string> {
  const [source, text] = [path.join(folder, name), path.join(folder, 'text.srt')]
  await writeFile(text, srt)
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-i', plain, '-i', text, '-map', '0', '-map', '1', '-c', 'copy', ...options],
    source,
  ])
  return source
}

/** @param before its extra is made */
async function makeReady(source: string, before: (id: string) => Promise<unknown> = async () => {}) {
  const id = await queueVideo(t, (await readFile(source)).length)
  await copyFile(source, path.join(context.storage.sourcesDir, id))
  await runJob(context, 'ladder')
  await before(id)
  await runJob(context, 'extra')
  return id
}

async function captionsOf(id: string) {
  const rows = await t.db
    .selectFrom('videos')
    .innerJoin('publication_renditions', 'publication_renditions.publication_id', 'videos.publication_id')
    .innerJoin('renditions', 'renditions.id', 'rendition_id')
    .select(['key', 'language', 'label', 'bytes'])
    .where('videos.id', '=', id)
    .where('kind', '=', 'captions')
    .orderBy('key')
    .execute()
  return Promise.all(
    rows.map(async ({ key, language, label, bytes }) => {
      const vtt = await readFile(context.storage.localPath(key))
      expect(vtt.length).toBe(bytes)
      const [header, ...cues] = vtt.toString().trim().split('\n\n')
      expect(header).toBe('WEBVTT')
      return { language, label, cues }
    }),
  )
}
