// What a file is, and what of a publication is right, found with FFmpeg alone and by other ways than the
// product's: for corpus.ts.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { HOSTILE_INPUT } from '#worker/ffmpeg/probe.ts'

const run = promisify(execFile)
const WITHIN_MS = 300_000

export interface Judged {
  kind: 'video' | 'audio' | 'encrypted' | 'unreadable'
  /** of what can be decoded */
  pictures: number
  pictureSeconds: number
  /** 0 when there is none */
  soundSeconds: number
  /** the container says much more than there is */
  claimsMore: boolean
  lufs: number | null
}

const NOTHING = { pictures: 0, pictureSeconds: 0, soundSeconds: 0, claimsMore: false, lufs: null }

export async function judgeSource(file: string): Promise<Judged> {
  const { stdout, stderr, failed } = await tool('ffprobe', [
    ...['-v', 'error', ...HOSTILE_INPUT, '-show_format', '-show_streams', '-of', 'json', file],
  ])
  if (/encrypt|DRM/i.test(stderr)) return { ...NOTHING, kind: 'encrypted' }
  if (failed) return { ...NOTHING, kind: 'unreadable' }
  const { streams = [], format = {} } = JSON.parse(stdout)
  if (streams.some((stream: { codec_tag_string?: string }) => /^enc/.test(stream.codec_tag_string ?? '')))
    return { ...NOTHING, kind: 'encrypted' }
  const picture = await decode(file, ['-map', '0:V:0', '-an', '-vsync', 'passthrough'])
  const sound = await decode(file, ['-map', '0:a:0', '-vn', '-af', 'ebur128'])
  if (picture.frames === 0) {
    const hasPicture = streams.some(
      (stream: { codec_type?: string; disposition?: { attached_pic?: number } }) =>
        stream.codec_type === 'video' && !stream.disposition?.attached_pic,
    )
    return { ...NOTHING, kind: !hasPicture && sound.seconds > 0 ? 'audio' : 'unreadable' }
  }
  const claimed = Number(format.duration ?? 0)
  const longest = Math.max(picture.seconds, sound.seconds)
  return {
    ...{ kind: 'video', pictures: picture.frames, pictureSeconds: picture.seconds },
    ...{ soundSeconds: sound.seconds, lufs: sound.lufs },
    claimsMore: claimed > longest * 1.05 + 0.5 || picture.seconds < longest * 0.95 - 0.5,
  }
}

/** @returns what is wrong with what is published, in words */
export async function judgePublished(
  hlsUrl: string,
  mp4Url: string | null,
  source: Judged,
): Promise<string[]> {
  const wrong: string[] = []
  const master = await (await fetch(hlsUrl)).text()
  const variants = master.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const [counts, tags] = [new Set<number>(), new Set<string>()]
  for (const variant of variants) {
    const url = new URL(variant, hlsUrl).href
    const decoded = await decode(url, ['-map', '0:v', '-vsync', 'passthrough'], NETWORK)
    if (decoded.errors) wrong.push(`${variant}: ${decoded.errors.split('\n')[0]}`)
    counts.add(decoded.frames)
    const off = decoded.seconds - source.pictureSeconds
    // One picture of the slowest rate, and what a container's last picture may be short of.
    const allowed = Math.max(0.1, 2 * (source.pictureSeconds / Math.max(1, source.pictures)))
    if (Math.abs(off) > allowed) wrong.push(`${variant} lasts ${off.toFixed(2)} s more than its source`)
    for (const fault of await tagsOf(url)) tags.add(fault)
  }
  wrong.push(...tags)
  if (counts.size > 1) wrong.push(`rungs have ${[...counts].join(', ')} pictures`)
  if (!mp4Url) return [...wrong, 'no MP4']
  return [...wrong, ...(await judgeSound(mp4Url, source))]
}

const TAGS = {
  ...{ pix_fmt: 'yuv420p', color_range: 'tv', color_space: 'bt709' },
  ...{ color_transfer: 'bt709', color_primaries: 'bt709', sample_aspect_ratio: '1:1' },
}

async function tagsOf(url: string): Promise<string[]> {
  const asked = ['-select_streams', 'v:0', '-show_entries', `stream=${Object.keys(TAGS).join(',')}`]
  const { stdout } = await tool('ffprobe', ['-v', 'error', ...NETWORK, ...asked, '-of', 'json', url])
  const [stream = {}] = JSON.parse(stdout || '{}').streams ?? []
  return Object.entries(TAGS).flatMap(([name, value]) =>
    stream[name] === value || (name === 'sample_aspect_ratio' && !stream[name])
      ? []
      : [`${name} is ${stream[name]}`],
  )
}

const [LOUDNESS, TOLERANCE, QUIET, LEAST_SECONDS] = [-14, 1, -50, 3]
const AAC_FRAME = 1024 / 44_100
const DRIFT_SECONDS = 0.1

async function judgeSound(mp4Url: string, source: Judged): Promise<string[]> {
  const sound = await decode(mp4Url, ['-map', '0:a:0', '-vn', '-af', 'ebur128=peak=true'], NETWORK)
  if (source.soundSeconds === 0) return sound.seconds > 0 ? ['sound out of nothing'] : []
  if (sound.seconds === 0) return ['the sound is missing']
  const wrong: string[] = []
  if (sound.errors) wrong.push(`sound: ${sound.errors.split('\n')[0]}`)
  // Sound may end before its picture or after it, as in the source.
  const drift = sound.seconds - source.soundSeconds
  if (Math.abs(drift) > DRIFT_SECONDS + AAC_FRAME) wrong.push(`sound lasts ${drift.toFixed(2)} s more`)
  const { lufs } = sound
  if (lufs === null || source.lufs === null) return wrong
  const isTouched = source.lufs >= QUIET && source.soundSeconds >= LEAST_SECONDS
  const wanted = isTouched ? LOUDNESS : source.lufs
  if (Math.abs(lufs - wanted) > TOLERANCE) wrong.push(`loudness is ${lufs}, not ${wanted} LUFS`)
  if (isTouched && (sound.peak ?? 0) > -1 + 0.1) wrong.push(`peak is ${sound.peak} dBTP`)
  return wrong
}

const NETWORK = ['-protocol_whitelist', 'file,http,tcp,crypto']

interface Decoded {
  frames: number
  seconds: number
  lufs: number | null
  peak: number | null
  /** what FFmpeg complained of */
  errors: string
}

async function decode(input: string, options: string[], before = HOSTILE_INPUT): Promise<Decoded> {
  const { stdout, stderr } = await tool('ffmpeg', [
    ...['-nostdin', '-hide_banner', '-v', 'level+info', '-progress', '-', ...before, '-i', input],
    ...[...options, '-f', 'null', '-'],
  ])
  const last = (pattern: RegExp, text: string) => [...text.matchAll(pattern)].at(-1)?.[1]
  const number = (text: string | undefined) =>
    text === undefined || !Number.isFinite(Number(text)) ? null : Number(text)
  return {
    frames: Number(last(/^frame=\s*(\d+)/gm, stdout) ?? 0),
    seconds: Math.max(0, Number(last(/^out_time_us=(-?\d+)/gm, stdout) ?? 0) / 1e6),
    lufs: number(last(/^.*\bI:\s+(-?[\d.]+) LUFS/gm, stderr)),
    peak: number(last(/^.*\bPeak:\s+(-?[\d.]+) dBFS/gm, stderr)),
    errors: stderr
      .split('\n')
      .filter(line => /\[(error|fatal)\]/.test(line))
      .join('\n'),
  }
}

async function tool(program: string, args: string[]) {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: WITHIN_MS, maxBuffer: 1 << 28 })
    return { stdout, stderr, failed: false }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { stdout, stderr, failed: true }
  }
}
