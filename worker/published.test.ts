// All that is published of one video, from its first rung to its storyboard: what colours it has and says
// that it has, and that nothing tells where, when and with what it was taken.
import { execFile } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { PUBLISHED_TAGS, readPixels, readTags } from '#test/pictures.ts'
import { queueUpload, readVideo } from '#test/videos.ts'
import { createWorkerContext, listKeys, makeFolder, runJob } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'

const run = promisify(execFile)
const COLOUR = [200, 90, 50]
const SECRET = 'Rue-du-Secret-48'

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
beforeAll(async () => {
  context = await createWorkerContext(t, { LADDER: '120' })
  folder = await makeFolder()
})

test('of a phone: its colours, and nothing of its place, time and owner', async () => {
  const keys = await publish(
    ...['-vf', `scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,${tagged('bt709', 'bt709')}`],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-g', '30', '-c:a', 'aac'],
    ...['-bsf:v', `h264_metadata=sei_user_data=086f3693b7b34f2c965321492feee5b8+${SECRET}`],
    ...['-movflags', 'use_metadata_tags', '-map_metadata', '-1'],
    ...['location', 'com.apple.quicktime.location.ISO6709', 'make', 'title', 'artist'].flatMap(key => [
      ...['-metadata', `${key}=${SECRET}`],
    ]),
    ...['-metadata', 'creation_time=2031-02-03T04:05:06Z'],
    ...['-metadata:s:v', `handler_name=${SECRET}`, '-metadata:s:a', `handler_name=${SECRET}`],
  )
  expect(keys.filter(key => key.includes('/copy/')).length, 'it was cut as it is').toBeGreaterThan(3)
  for (const key of keys) {
    const bytes = await readFile(stored(key))
    expect(bytes.includes(SECRET), key).toBe(false)
    expect(await timeOf(key), key).not.toMatch(/2031/)
  }
  expect(await tagsOf(keys)).toEqual(streamsOf(keys).map(() => PUBLISHED_TAGS))
  const images = keys.filter(key => /\.(jpg|webp)$/.test(key))
  expect(images.map(key => path.basename(key)).sort()).toEqual([
    ...['poster.jpg', 'poster.jpg', 'preview.webp', 'storyboard.jpg'],
  ])
  for (const key of images) {
    const pixels = await readPixels(await still(stored(key)), 'rgb24', '-frames:v', '1')
    for (const [index, value] of COLOUR.entries())
      expect(Math.abs((pixels[index] ?? 0) - value), `${key}: ${[...pixels.subarray(0, 3)]}`).toBeLessThan(6)
  }
})

test('of HDR: SDR, and says so in every stream', async () => {
  const keys = await publish(
    ...['-vf', `format=yuv420p10le,${tagged('bt2020nc', 'bt2020', 'arib-std-b67')}`, '-c:a', 'aac'],
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
  )
  expect(streamsOf(keys).map(key => path.basename(path.dirname(key)))).toContain('low')
  expect(await tagsOf(keys)).toEqual(streamsOf(keys).map(() => PUBLISHED_TAGS))
  expect(keys.filter(key => key.endsWith('.cube'))).toEqual([])
})

function tagged(matrix: string, primaries: string, transfer = primaries): string {
  return `setparams=colorspace=${matrix}:color_primaries=${primaries}:color_trc=${transfer}:range=tv`
}

/** Everything about a clip of one colour, with a tone. @returns the keys of all that is stored of it */
async function publish(...options: string[]): Promise<string[]> {
  const source = path.join(folder, 'source.mp4')
  const hex = COLOUR.map(value => value.toString(16).padStart(2, '0')).join('')
  await run('ffmpeg', [
    ...['-y', '-v', 'error', '-f', 'lavfi', '-i', `color=0x${hex}:s=160x120:r=30:d=5`],
    ...['-f', 'lavfi', '-i', 'sine=r=48000:d=5', ...options, source],
  ])
  const id = await queueUpload(t, (await readFile(source)).length)
  await copyFile(source, path.join(context.storage.sourcesDir, id))
  for (const work of ['first', 'ladder', 'extra'] as const) await runJob(context, work)
  expect(await readVideo(t.db, id)).toMatchObject({ status: 'ready', url_preview: expect.any(String) })
  return listKeys(context, `videos/${id}`)
}

/** Pictures with time: lists and the MP4. */
function streamsOf(keys: string[]): string[] {
  return keys.filter(key => /\/(v\d+|low|copy)\/index\.m3u8$|\.mp4$/.test(key) && !key.endsWith('/init.mp4'))
}

function tagsOf(keys: string[]) {
  return Promise.all(streamsOf(keys).map(key => readTags(stored(key))))
}

function stored(key: string): string {
  return context.storage.localPath(key)
}

async function timeOf(key: string): Promise<string> {
  if (!/\.(m3u8|mp4)$/.test(key)) return ''
  const { stdout } = await run('ffprobe', ['-v', 'quiet', '-show_format', '-show_streams', stored(key)])
  return stdout
}

/** FFmpeg reads no WebP that moves: its first picture alone (RFC 9649 §2.7.1). */
async function still(file: string): Promise<string> {
  if (!file.endsWith('.webp')) return file
  const bytes = await readFile(file)
  const at = bytes.indexOf('VP8 ')
  const picture = bytes.subarray(at, at + 8 + bytes.readUInt32LE(at + 4))
  const head = Buffer.from('RIFF....WEBP')
  head.writeUInt32LE(picture.length + 4, 4)
  const alone = path.join(folder, 'still.webp')
  await writeFile(alone, Buffer.concat([head, picture]))
  return alone
}
