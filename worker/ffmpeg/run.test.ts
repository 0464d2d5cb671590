import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import fluent, { type FfmpegCommand } from 'fluent-ffmpeg'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ffmpegsIn, makeFolder, processesIn, silent } from '#test/worker.ts'
import { WorldError } from '../errors.ts'
import { installLauncher } from './launcher.ts'
import { FfmpegFailed, isToolBroken, runFfmpeg } from './run.ts'

let folder: string
beforeAll(async () => {
  folder = await makeFolder()
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
})
beforeEach(() => rm(path.join(folder, 'out.mp4'), { force: true }))

const never = new AbortController().signal

test('a command that ends well says so, with progress at most once a second', async () => {
  const seen: number[] = []
  const started = performance.now()
  await runFfmpeg(realTime(1.5), { signal: never, log: silent, onProgress: seconds => seen.push(seconds) })
  expect(seen.length).toBeGreaterThan(0)
  expect(seen.length).toBeLessThanOrEqual(1 + (performance.now() - started) / 1000)
  expect(seen.every(seconds => seconds >= 0 && seconds <= 2)).toBe(true)
})

test('FFmpeg alone reads the source: no ffprobe beside it, which would know no whitelist', async () => {
  const stub = path.join(folder, 'ffprobe')
  await writeFile(stub, `#!/bin/sh\ntouch '${folder}/probed'\n`, { mode: 0o755 })
  await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: stub })
  try {
    await runFfmpeg(realTime(0.5), { signal: never, log: silent, onProgress: () => {} })
  } finally {
    await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
  }
  expect(await readdir(folder)).not.toContain('probed')
})

test('an abort kills FFmpeg within three seconds, and gives the reason', async () => {
  const stop = new AbortController()
  const running = runFfmpeg(realTime(60), { signal: stop.signal, log: silent })
  await expect.poll(() => ffmpegsIn(folder)).toHaveLength(1)
  const reason = new Error('told to stop')
  const aborted = performance.now()
  stop.abort(reason)
  await expect(running).rejects.toBe(reason)
  expect(performance.now() - aborted).toBeLessThan(3000)
  expect(await processesIn(folder)).toEqual([])
})

test('a process that cannot be started is nobody’s fault, and the worker lives on', async () => {
  const command = realTime(1)
  Object.assign(command, { options: { ...Reflect.get(command, 'options'), cwd: path.join(folder, 'gone') } })
  await expect(runFfmpeg(command, { signal: never, log: silent })).rejects.toThrow(WorldError)
})

test('nobody waits for it any more: it lets others go first', async () => {
  const stop = new AbortController()
  const unhurried = new AbortController()
  const options = { signal: stop.signal, unhurried: unhurried.signal, log: silent }
  const running = runFfmpeg(realTime(60), options).catch(() => {})
  await expect.poll(() => ffmpegsIn(folder)).toHaveLength(1)
  const [pid] = await ffmpegsIn(folder)
  const niceness = async () => {
    const threads = await readdir(`/proc/${pid}/task`)
    const stats = threads.map(thread => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8'))
    const nices = (await Promise.all(stats)).map(stat => Number(stat.split(') ')[1]?.split(' ')[16]))
    const autogroup = await readFile(`/proc/${pid}/autogroup`, 'utf8')
    return { threads: [...new Set(nices)], session: autogroup.split(' ')[2]?.trim() }
  }
  expect(await niceness()).toEqual({ threads: [0], session: '0' })
  unhurried.abort()
  await expect.poll(niceness).toEqual({ threads: [10], session: '5' })
  stop.abort()
  await running
})

test('an abort right at the start leaves no process either', async () => {
  const stop = new AbortController()
  const running = runFfmpeg(realTime(60), { signal: stop.signal, log: silent })
  stop.abort(new Error('at once'))
  await expect(running).rejects.toThrow('at once')
  expect(await processesIn(folder)).toEqual([])
})

test('an abort before the start starts nothing', async () => {
  const signal = AbortSignal.abort(new Error('before'))
  await expect(runFfmpeg(realTime(60), { signal, log: silent })).rejects.toThrow('before')
  expect(await processesIn(folder)).toEqual([])
})

test('an exit code other than 0 is FfmpegFailed, with its last line', async () => {
  const command = fluent({ cwd: folder }).input('/nowhere.mp4').output('out.mp4')
  const failed = await runFfmpeg(command, { signal: never, log: silent }).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(FfmpegFailed)
  expect(failed).toMatchObject({ message: expect.stringContaining('No such file or directory') })
})

test('a title is no message of FFmpeg’s', async () => {
  const titled = realTime(0.5).outputOptions('-metadata', 'title=No space left on device')
  const stderr = await runFfmpeg(titled, { signal: never, log: silent })
  expect(stderr).toContain('No space left on device')
})

test.each([
  ['FFmpeg', ffmpegsIn],
  ['all there is', processesIn],
])("a kill from outside, of %s, is the world's", async (_, find) => {
  const running = runFfmpeg(realTime(60), { signal: never, log: silent }).catch((error: unknown) => error)
  await expect.poll(() => ffmpegsIn(folder)).toHaveLength(1)
  for (const id of await find(folder)) process.kill(id, 'SIGKILL')
  const error = await running
  expect(error).toBeInstanceOf(WorldError)
  expect(error).toMatchObject({ code: 'ffmpeg_killed' })
})

describe('what comes to no end is ended, with all that it started:', () => {
  /** Deaf to SIGTERM, and with a child that would live on. */
  const DEAF = "#!/bin/sh\ntrap '' TERM\nsleep 60 &\nsleep 60\nsleep 60\n"

  test.each([
    ['standing still', { config: { stallSeconds: 0.3 } }, 'ffmpeg_hung'],
    ['too slow', { withinSeconds: 0.3 }, 'ffmpeg_slow'],
  ])('%s', async (_, options, code) => {
    const stub = path.join(folder, 'deaf')
    await writeFile(stub, DEAF, { mode: 0o755 })
    await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: stub, ffprobePath: null })
    try {
      const command = fluent({ cwd: folder }).input('in.mp4').output('out.mp4')
      // Not asked what it can do, as it would not answer.
      Object.assign(command, { availableFormats: answer, availableEncoders: answer })
      const running = runFfmpeg(command, { signal: never, log: silent, ...options })
      await expect(running).rejects.toMatchObject({ code })
      expect(await processesIn(folder)).toEqual([])
    } finally {
      await installLauncher(path.join(folder, 'launcher'), { ffmpegPath: null, ffprobePath: null })
    }
  })

  function answer(done: (error: null, found: object) => void): void {
    done(null, {})
  }

  test('one that moves, but not within its time', async () => {
    const running = runFfmpeg(realTime(60), { signal: never, log: silent, withinSeconds: 1 })
    await expect(running).rejects.toMatchObject({ code: 'ffmpeg_slow' })
    expect(await processesIn(folder)).toEqual([])
  })
})

test("a full disk is the world's", async () => {
  const command = testPicture(['-f', 'lavfi']).output('/dev/full').outputOptions('-t', '20', '-f', 'rawvideo')
  const error = await runFfmpeg(command, { signal: never, log: silent }).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(WorldError)
  expect(error).toMatchObject({ code: 'disk_full' })
})

/** Takes as long as it lasts: in mid-run for sure. */
function realTime(seconds: number): FfmpegCommand {
  return testPicture(['-re', '-f', 'lavfi']).output('out.mp4').outputOptions('-t', String(seconds))
}

function testPicture(options: string[]): FfmpegCommand {
  return fluent({ cwd: folder })
    .input('testsrc2=s=64x64:r=10')
    .inputOptions(...options)
}

test.each([
  [
    'a decoder that wants another packet',
    'Error while decoding stream #0:0: Resource temporarily unavailable',
    false,
  ],
  ['a machine without processes left', 'sh: 1: Cannot fork: Resource temporarily unavailable', true],
  ['an encoder without threads', '[libx264 @ 0x5] Resource temporarily unavailable', true],
  ['a file with that title', '    title           : Cannot allocate memory', false],
  ['no memory', 'Error while decoding stream #0:0: Cannot allocate memory', true],
])('%s: whether the machine is to blame', (_, stderr, isBroken) => {
  expect(isToolBroken(`ffmpeg exited with code 1: Conversion failed!\n${stderr}\n`)).toBe(isBroken)
})
