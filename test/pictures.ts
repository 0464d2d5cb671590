// What becomes of a picture: the tallest rung of a source's ladder by the product's own command, and its
// pixels, as they are coded.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { ladderCommand } from '#worker/ffmpeg/args.ts'
import { writeColourTable } from '#worker/ffmpeg/colour-table.ts'
import type { Facts } from '#worker/ffmpeg/facts.ts'
import { type Plan, planLadder } from '#worker/ffmpeg/plan.ts'
import { probe } from '#worker/ffmpeg/probe.ts'
import { runFfmpeg } from '#worker/ffmpeg/run.ts'
import { silent } from './worker.ts'

const run = promisify(execFile)
const MAX_BYTES = 256 * 1024 ** 2

export interface Made {
  facts: Facts
  plan: Plan
  /** init and segments in one file */
  picture: string
  /** null of a silent source */
  sound: string | null
}

/** @param sounds how many of its two @param segments how many of the last are looked at */
export async function makeTallest(
  source: string,
  folder: string,
  {
    ladder = [1080],
    sounds = 0,
    segments = Infinity,
  }: { ladder?: number[]; sounds?: number; segments?: number } = {},
): Promise<Made> {
  const { signal } = new AbortController()
  const scratch = await mkdtemp(path.join(folder, 'rung-'))
  const facts = await probe(source, signal)
  const whole = planLadder(facts, { ladder, maxDurationSeconds: 3600 })
  const plan = { ...whole, rungs: whole.rungs.slice(0, 1), sounds: whole.sounds.slice(0, sounds) }
  const names = [...plan.rungs, ...plan.sounds].map(({ name }) => name)
  for (const name of names) await mkdir(path.join(scratch, name))
  await writeColourTable(scratch, plan)
  // Whoever runs tests waits for them.
  await runFfmpeg(ladderCommand(source, scratch, plan).renice(0), { signal, log: silent })
  const [picture = '', sound = null] = await Promise.all(
    names.map(name => join(path.join(scratch, name), segments)),
  )
  return { facts, plan, picture, sound }
}

/** A stream's init segment and last segments as one file. */
async function join(stream: string, count: number): Promise<string> {
  const all = (await readdir(stream)).filter(name => name.endsWith('.m4s')).sort()
  const segments = all.slice(-count)
  const parts = await Promise.all(['init.mp4', ...segments].map(name => readFile(path.join(stream, name))))
  const file = `${stream}.mp4`
  await writeFile(file, Buffer.concat(parts))
  return file
}

/** The pictures of a file one after the other, in `format`, with the filters that stand before. */
export async function readPixels(file: string, format: string, ...options: string[]): Promise<Buffer> {
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', file, ...options, '-f', 'rawvideo', '-pix_fmt', format, '-'],
    { encoding: 'buffer', maxBuffer: MAX_BYTES },
  )
  return stdout
}

/** What ffprobe says of the first picture's coding. */
export async function readTags(file: string): Promise<Record<string, string>> {
  const entries = 'stream=pix_fmt,color_range,color_space,color_transfer,color_primaries'
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', file],
  ])
  return JSON.parse(stdout).streams[0]
}

export const PUBLISHED_TAGS = {
  pix_fmt: 'yuv420p',
  color_range: 'tv',
  color_space: 'bt709',
  color_transfer: 'bt709',
  color_primaries: 'bt709',
}
