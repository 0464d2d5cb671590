// Finds FFmpeg and ffprobe, or installs them where that can be done without asking. No npm package
// ships a build that can be used (licence, age, missing encoders).
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Config } from '#config'
import { ENCODERS, MUXERS, versionOf, withoutParts } from '#media/ffmpeg-parts.ts'
import { findOnPath } from '#process/which.ts'
import { canUseApt, ensure } from './apt.ts'
import { type Say, Sentence } from './say.ts'

const execute = promisify(execFile)

export interface FfmpegTools {
  ffmpegPath: string
  ffprobePath: string
  version: string
}

export const howTo =
  process.platform === 'darwin'
    ? 'run `brew install ffmpeg`, or set FFMPEG_PATH and FFPROBE_PATH'
    : 'install one with libx264 (Debian, Ubuntu: `sudo apt-get install ffmpeg`; Fedora: ffmpeg from RPM Fusion; ' +
      'Arch: `sudo pacman -S ffmpeg`), or set FFMPEG_PATH and FFPROBE_PATH'

/** @throws Sentence saying how to get it on this platform */
export async function ensureFfmpeg(config: Config, say: Say, signal: AbortSignal): Promise<FfmpegTools> {
  const what = { name: 'FFmpeg', packages: ['ffmpeg', ...BOX.packages], howTo }
  const found = await ensure(what, () => findFfmpeg(config), say, signal)
  say(`FFmpeg ${found.version} (${found.ffmpegPath})`)
  await ensureBox(say, signal)
  return found
}

const BOX = { name: 'bubblewrap', packages: ['bubblewrap'], howTo: 'install bubblewrap' }

/** What FFmpeg's box is made with. It does without as well: worker and doctor then say what is missing. */
async function ensureBox(say: Say, signal: AbortSignal): Promise<void> {
  const find = () => findOnPath('bwrap')
  if (find() || !canUseApt()) return
  try {
    await ensure(BOX, find, say, signal)
  } catch (error) {
    if (!(error instanceof Sentence)) throw error
    say(`Without bubblewrap, FFmpeg has fewer walls: ${error.message}`)
  }
}

/**
 * What FFMPEG_PATH and FFPROBE_PATH name, else what is on the PATH; null when one of them is missing.
 * @throws Sentence when the one that is there cannot be used
 */
export async function findFfmpeg(config: Config): Promise<FfmpegTools | null> {
  const ffmpegPath = config.ffmpegPath ?? findOnPath('ffmpeg')
  const ffprobePath = config.ffprobePath ?? findOnPath('ffprobe')
  if (!ffmpegPath || !ffprobePath) return null
  const [encoders, muxers] = await Promise.all([
    ask(ffmpegPath, ['-encoders']),
    ask(ffmpegPath, ['-muxers']),
    ask(ffprobePath, ['-version']),
  ])
  const lacks = [
    ...withoutParts(encoders.stdout, ENCODERS).map(name => `encoder ${name}`),
    ...withoutParts(muxers.stdout, MUXERS).map(name => `muxer ${name}`),
  ]
  if (lacks.length > 0)
    throw new Sentence(`${ffmpegPath} was built without the ${lacks.join(', the ')}: ${howTo}.`)
  return { ffmpegPath, ffprobePath, version: versionOf(encoders.stderr) }
}

async function ask(file: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
  try {
    return await execute(file, args, { maxBuffer: 16 * 1024 * 1024 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Sentence(`${file} does not run (${code}): check FFMPEG_PATH and FFPROBE_PATH.`, {
      cause: error,
    })
  }
}
