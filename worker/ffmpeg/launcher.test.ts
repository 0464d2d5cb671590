// The walls around FFmpeg, seen from inside: a shell stands in FFmpeg's place and looks, or a script, which
// is given fewer of them. What the box keeps out: process/walls.test.ts.
import { execFile, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { makeFolder } from '#test/worker.ts'
import { installLauncher, requireEncoders } from './launcher.ts'

const run = promisify(execFile)
const SECRET = 'PGREEL_TEST_SECRET'
const root = path.resolve(import.meta.dirname, '../..')

let folder: string
beforeAll(async () => {
  folder = await makeFolder()
})
afterEach(() => {
  delete process.env[SECRET]
})

test('every wall stands on this system', async () => {
  const launcher = await installLauncher(path.join(folder, 'real'), { ffmpegPath: null, ffprobePath: null })
  const boxed = ['own files', ...(process.getuid?.() === 0 ? ['no root'] : []), 'process limit']
  expect(launcher.walls).toEqual(['priority', 'no network', 'limits', 'dies with the worker', ...boxed])
  expect(launcher.missing).toEqual([])
  expect(await requireEncoders(launcher.ffmpeg)).toMatch(/^\d/)
})

test.each(['ffmpeg', 'ffprobe'])('%s has no network but its own loopback', async program => {
  const outside = await run('cat', ['/proc/net/route'])
  expect(outside.stdout.trim().split('\n').length, 'this machine has a network').toBeGreaterThan(1)
  const interfaces = await lookInside(program, 'cat /proc/net/dev')
  const names = interfaces
    .split('\n')
    .filter(line => line.includes(':'))
    .map(line => line.split(':')[0]?.trim())
  expect(names).toEqual(['lo'])
  expect((await lookInside(program, 'cat /proc/net/route')).trim().split('\n')).toHaveLength(1)
})

test.each(['ffmpeg', 'ffprobe'])(
  "%s, also as a script, sees nothing of the worker's environment",
  async program => {
    process.env[SECRET] = 'hunter2'
    const seen = await lookInside(program, 'env')
    expect(seen).toContain('LC_ALL=C.UTF-8')
    expect(seen).not.toContain('hunter2')
    expect(seen).not.toContain('HOME=')
  },
)

test('file size, open files and time are limited, for ffprobe to a minute', async () => {
  expect(await lookInside('ffmpeg', 'ulimit -n; ulimit -f; ulimit -c; ulimit -t')).toBe(
    `512\n33554432\n0\n${24 * 3600 * availableParallelism()}\n`,
  )
  expect(await lookInside('ffprobe', 'ulimit -t')).toBe('60\n')
})

test('a low priority holds against every process of the machine, not only those of its session', async () => {
  const { ffmpeg } = await installScript(await makeInner(), 'nice; cat /proc/self/autogroup')
  const autogroups = [(await run(ffmpeg)).stdout, (await run('nice', ['-n', '19', ffmpeg])).stdout]
  expect(autogroups.map(text => text.replace(/autogroup-\d+/, 'autogroup'))).toEqual([
    '0\n/autogroup nice 0\n',
    '19\n/autogroup nice 9\n',
  ])
  expect(new Set([...autogroups, await readFile('/proc/self/autogroup', 'utf8')]).size).toBe(3)
})

test('arguments arrive as they are, and folders may have spaces and quotes', async () => {
  const odd = path.join(await makeFolder(), "it's a folder")
  const { ffmpeg } = await installScript(odd, 'printf "%s|" "$@"')
  const args = ['-i', 'a b', "c'd", '$HOME', '*', '']
  expect((await run(ffmpeg, args)).stdout).toBe(args.map(arg => `${arg}|`).join(''))
})

test('FFmpeg dies when the worker that started it is killed', async () => {
  const pidFile = path.join(folder, 'pid')
  const stub = `echo $$ > '${pidFile}'; exec sleep 300`
  const { script, ffprobe } = await writePrograms(path.join(folder, 'killed'), stub)
  const worker = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { installLauncher } from '#worker/ffmpeg/launcher.ts'
       import { decodeCommand } from '#worker/ffmpeg/args.ts'
       await installLauncher(process.env.FOLDER, { ffmpegPath: process.env.STUB, ffprobePath: process.env.PROBE })
       decodeCommand('/dev/null', process.env.FOLDER, { videoIndex: 0 }).run()`,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, FOLDER: path.join(folder, 'killed'), STUB: script, PROBE: ffprobe },
    },
  )
  try {
    const readPid = async () => Number(await readFile(pidFile, 'utf8').catch(() => '0'))
    await expect.poll(readPid).toBeGreaterThan(0)
    const pid = await readPid()
    expect(await isRunning(pid)).toBe(true)
    worker.kill('SIGKILL')
    await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false)
  } finally {
    worker.kill('SIGKILL')
  }
})

test.each([
  ['ffmpegPath', 'FFMPEG_PATH'],
  ['ffprobePath', 'FFPROBE_PATH'],
] as const)('%s that is no program gives one sentence', async (name, variable) => {
  const given = { ffmpegPath: null, ffprobePath: null, [name]: '/nowhere/program' }
  await expect(installLauncher(folder, given)).rejects.toThrow(
    `${variable} is /nowhere/program, which is not a program this user may run.`,
  )
})

test('FFmpeg on no PATH gives one sentence that says how to get it', async () => {
  const before = process.env.PATH
  process.env.PATH = folder
  try {
    await expect(installLauncher(folder, { ffmpegPath: null, ffprobePath: null })).rejects.toThrow(
      /^ffmpeg was not found: install FFmpeg .*FFMPEG_PATH\.$/,
    )
  } finally {
    process.env.PATH = before
  }
})

test('a program that does not start is told at once, not at the first video', async () => {
  const { script, ffprobe } = await writePrograms(path.join(folder, 'broken'), 'exit 1')
  const launcher = await installLauncher(folder, { ffmpegPath: script, ffprobePath: ffprobe })
  await expect(requireEncoders(launcher.ffmpeg)).rejects.toThrow(/^FFmpeg does not start through /)
})

/** What a shell command prints in the place of FFmpeg or ffprobe. */
async function lookInside(program: string, command: string): Promise<string> {
  const installed = await installScript(await makeInner(), command)
  const { stdout } = await run(program === 'ffmpeg' ? installed.ffmpeg : installed.ffprobe, [])
  return stdout
}

let count = 0
async function makeInner(): Promise<string> {
  return path.join(folder, `inner-${count++}`)
}

async function installScript(inner: string, command: string) {
  const { script, ffprobe } = await writePrograms(inner, command)
  const launchers = path.join(inner, 'launcher')
  await installLauncher(launchers, { ffmpegPath: script, ffprobePath: ffprobe })
  const names = await readdir(launchers)
  const find = (program: string) =>
    path.join(launchers, names.find(name => name.startsWith(`${program}-`)) ?? '')
  return { ffmpeg: find('ffmpeg'), ffprobe: find('ffprobe') }
}

async function writePrograms(inner: string, command: string) {
  await mkdir(inner, { recursive: true })
  const script = path.join(inner, 'stub-ffmpeg')
  const ffprobe = path.join(inner, 'stub-ffprobe')
  for (const file of [script, ffprobe]) await writeFile(file, `#!/bin/sh\n${command}\n`, { mode: 0o755 })
  return { script, ffprobe }
}

/** A zombie that nobody has waited for yet is none that runs. */
async function isRunning(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return state !== '' && !/^\d+ \(.*\) Z/.test(state)
}

test('an FFmpeg without our encoders is refused in one sentence', async () => {
  const stub = 'echo " V..... mpeg4                MPEG-4 part 2"'
  const { ffmpeg } = await installScript(await makeInner(), stub)
  await expect(requireEncoders(ffmpeg)).rejects.toThrow(/^This FFmpeg has no encoder libx264 and aac/)
})
