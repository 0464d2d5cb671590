// Files that are to reach out, or to take the machine, through first rung and ladder: each ends as a video
// that failed, with the right code, and nothing outside was opened.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeClip } from '#test/clips.ts'
import { createTestDatabase } from '#test/database.ts'
import { type Bait, DISGUISES } from '#test/hostile-files.ts'
import { append, locate, patchMp4, replace } from '#test/patch-mp4.ts'
import { liveJobs, queueUpload, readVideo } from '#test/videos.ts'
import { createWorkerContext, makeFolder, runJob } from '#test/worker.ts'
import type { WorkerContext } from './context.ts'
import { HOSTILE_INPUT } from './ffmpeg/probe.ts'

const run = promisify(execFile)
const LONG_AGO = new Date('2001-01-01')

const t = await createTestDatabase()
let context: WorkerContext
let folder: string
let bait: Bait
let plain: string
let calls = 0
const server = createServer(socket => {
  calls++
  socket.destroy()
})
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  context = await createWorkerContext(t, { LADDER: '120', MAX_DURATION_SECONDS: '3600' })
  folder = await makeFolder()
  const small = { width: 160, height: 120, seconds: 1 }
  const canary = await makeClip(folder, 'canary.mp4', { ...small, hasAudio: false })
  plain = await makeClip(folder, 'plain.mp4', small)
  bait = { canary, url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` }
  await utimes(canary, LONG_AGO, new Date())
})
afterAll(async () => {
  server.close()
})

/** What a file of a stranger's becomes: the code of its error, or its status. */
async function outcome(file: string): Promise<string> {
  const id = await queueUpload(t, (await stat(file)).size)
  await copyFile(file, path.join(context.storage.sourcesDir, id))
  await runJob(context, 'first')
  if ((await liveJobs(t.boss, 'ladder', id)).length > 0) await runJob(context, 'ladder')
  const { status, error_code } = await readVideo(t.db, id)
  return error_code ?? status
}

async function write(name: string, content: string | Buffer): Promise<string> {
  const file = path.join(folder, name)
  await writeFile(file, content)
  return file
}

/** As the canary is read with `relatime` and without. */
async function expectUntouched(): Promise<void> {
  expect(calls, 'callers').toBe(0)
  expect((await stat(bait.canary)).atime, 'the canary').toEqual(LONG_AGO)
}

describe('a file that names others:', () => {
  test.each(Object.entries(DISGUISES))('%s is no video, and opens nothing', async (_, make) => {
    const file = await write('disguise.mp4', make(bait))
    // By chance some text looks like the beginning of sound: then its end is missed.
    expect(['not_a_video', 'damaged']).toContain(await outcome(file))
    await expectUntouched()
  })

  test('nor does FFmpeg open any of them without its box', async () => {
    for (const [name, make] of Object.entries(DISGUISES)) {
      const file = await write('disguise.mp4', make(bait))
      for (const rest of [['-show_streams', file]])
        await expect(run('ffprobe', ['-v', 'error', ...HOSTILE_INPUT, ...rest]), name).rejects.toThrow()
    }
    await expectUntouched()
  })

  test.each([
    ['by its address', (dref: Buffer) => reference(dref, 'url ', `${bait.url}/media.mov\0`)],
    ['by its path', (dref: Buffer) => reference(dref, 'url ', `file://${bait.canary}\0`)],
    ['by an alias', (dref: Buffer) => reference(dref, 'alis', alias(bait.canary))],
  ])('a movie whose pictures are in another file, named %s', async (_, change) => {
    const path = ['moov', 'trak', 'mdia', 'minf', 'dinf', 'dref']
    const file = await patchMp4(plain, `${folder}/elsewhere.mp4`, replace(path, change))
    // Some FFmpegs take the pictures from the file itself, at the same places, where there are some.
    expect(['undecodable', 'damaged', 'truncated', 'ready']).toContain(await outcome(file))
    await expectUntouched()
  })

  test('a movie that only points to another is none', async () => {
    const pointer = box('rmra', box('rmda', box('rdrf', text(0), 'url ', text(8), `${bait.url}/\0`)))
    const file = await write(
      'pointer.mp4',
      Buffer.concat([box('ftyp', 'qt  ', text(0)), box('moov', pointer)]),
    )
    expect(await outcome(file)).toMatch(/^(damaged|not_a_video)$/)
    await expectUntouched()
  })

  test('what is attached to a video stays attached', async () => {
    const name = '../../../../../../../../../../../tmp/pgreel-attached'
    const file = path.join(folder, 'attached.mkv')
    const attach = [
      '-attach',
      bait.canary,
      '-metadata:s:t',
      'mimetype=video/mp4',
      '-metadata:s:t',
      `filename=${name}`,
    ]
    await run('ffmpeg', ['-y', '-v', 'error', '-i', plain, '-c', 'copy', ...attach, file])
    await utimes(bait.canary, LONG_AGO, new Date())
    expect(await outcome(file)).toBe('ready')
    await expect(stat('/tmp/pgreel-attached')).rejects.toThrow()
    await expectUntouched()
  })

  test('(and both traps work)', async () => {
    const script = await write('bait.ffconcat', `ffconcat version 1.0\nfile '${bait.canary}'\n`)
    await run('ffprobe', ['-v', 'error', '-safe', '0', script])
    expect((await stat(bait.canary)).atime).not.toEqual(LONG_AGO)
    await run('ffprobe', ['-v', 'error', `${bait.url}/x`]).catch(() => {})
    expect(calls).toBeGreaterThan(0)
  })
})

describe('a file that is to take the machine:', () => {
  const clip = (name: string, ...args: string[]) => {
    const file = path.join(folder, name)
    return run('ffmpeg', ['-y', '-v', 'error', ...args, file]).then(() => file)
  }

  test('one picture for an hour, in a kilobyte', async () => {
    const file = await clip(
      'sparse.mkv',
      ...[
        '-f',
        'lavfi',
        '-i',
        'color=s=64x64:r=1:d=2',
        '-vf',
        'setpts=N*3590/TB',
        '-fps_mode',
        'passthrough',
      ],
      ...['-c:v', 'libx264', '-preset', 'ultrafast'],
    )
    expect((await stat(file)).size).toBeLessThan(2500)
    expect(await outcome(file)).toBe('too_few_bytes')
  })

  test('a GIF that says it has 65535 pixels each way', async () => {
    const file = await clip('small.gif', '-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=5:d=1')
    const bytes = await readFile(file)
    for (const at of [6, 8]) bytes.writeUInt16LE(65535, at)
    expect(await outcome(await write('large.gif', bytes))).toMatch(
      /^(too_many_pixels|undecodable|not_a_video)$/,
    )
  })

  test('an AVI that says it has', async () => {
    const file = await clip('small.avi', '-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=5:d=1', '-c:v', 'mjpeg')
    const bytes = await readFile(file)
    const format = bytes.indexOf('strf') + 8
    for (const at of [format + 4, format + 8]) bytes.writeUInt32LE(32_768, at)
    // What its pictures say counts as well.
    expect(await outcome(await write('large.avi', bytes))).toMatch(/^(too_many_pixels|undecodable|ready)$/)
  })

  test('an MP4 with hundreds of streams', async () => {
    const bytes = await readFile(plain)
    const at = locate(bytes, ['moov', 'trak']) - 4
    const trak = bytes.subarray(at, at + bytes.readUInt32BE(at))
    const many = append(['moov'], Buffer.concat(Array(200).fill(trak)))
    expect(await outcome(await patchMp4(plain, `${folder}/many.mp4`, many))).toBe('too_many_streams')
  })

  test('an MKV with thousands', async () => {
    const tracks = Array.from({ length: 3000 }, (_, index) => subtitles(index + 1))
    expect(await outcome(await write('many.mkv', matroska(...tracks)))).toBe('too_many_streams')
  })

  test('a title of 20 MB, of the file: it is a video all the same', async () => {
    const title = await write('title', `;FFMETADATA1\ntitle=${'x'.repeat(20_000_000)}\n`)
    const file = await clip(
      'title.mkv',
      '-i',
      plain,
      '-f',
      'ffmetadata',
      '-i',
      title,
      '-map_metadata',
      '1',
      '-c',
      'copy',
    )
    expect((await stat(file)).size).toBeGreaterThan(20_000_000)
    expect(await outcome(file)).toBe('ready')
  })

  test('a title of 10 MB, of a stream', async () => {
    const title = ebml(0x536e, Buffer.alloc(10_000_000, 'x'))
    expect(await outcome(await write('title.mkv', matroska(subtitles(1, title))))).toBe('too_much_metadata')
  })
})

/** ISO/IEC 14496-12, 8.7.2: one entry, without the flag that says "in this file". */
function reference(dref: Buffer, type: string, place: string | Buffer): Buffer {
  return Buffer.concat([dref.subarray(0, 12), text(1), box(type, text(0), place)])
}

/** QuickTime's alias record, with the path as its type 18 (libavformat/mov.c, mov_read_dref). */
function alias(file: string): Buffer {
  const head = Buffer.alloc(150)
  head.writeUInt16BE(2, 6)
  const name = Buffer.from(file)
  const entry = Buffer.alloc(4)
  entry.writeUInt16BE(18, 0)
  entry.writeUInt16BE(name.length, 2)
  return Buffer.concat([head, entry, name, Buffer.alloc(name.length % 2), Buffer.from('ffff0000', 'hex')])
}

function box(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat([Buffer.from(type), ...parts.map(part => Buffer.from(part))])
  return Buffer.concat([text(body.length + 4), body])
}

function text(word: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(word)
  return bytes
}

/** RFC 9559: with a cluster of nothing. */
function matroska(...tracks: Buffer[]): Buffer {
  const head = ebml(0x1a45dfa3, ebml(0x4282, Buffer.from('matroska')))
  const cluster = ebml(0x1f43b675, ebml(0xe7, Buffer.alloc(1)))
  return Buffer.concat([head, ebml(0x18538067, ebml(0x1654ae6b, ...tracks), cluster)])
}

function subtitles(number: number, ...more: Buffer[]): Buffer {
  const [id, type] = [ebml(0xd7, Buffer.from([number >> 8, number & 255])), ebml(0x83, Buffer.from([0x11]))]
  return ebml(0xae, id, type, ebml(0x86, Buffer.from('S_TEXT/UTF8')), ...more)
}

/** RFC 8794: id, size in eight bytes, content. */
function ebml(id: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const digits = id.toString(16)
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(2n ** 56n + BigInt(content.length))
  return Buffer.concat([Buffer.from(digits, 'hex'), size, content])
}
