// Plans → FFmpeg commands. Paths of outputs are relative to the attempt's scratch folder, which is
// the process's working directory, so that playlists hold bare file names.
import fluent, { type FfmpegCommand } from 'fluent-ffmpeg'
import type { ImageFormat } from '#media/image-format.ts'
import { BT709, type Colour } from './colour.ts'
import { EVEN, MEASURE, soundChain } from './loudness.ts'
import {
  FOR_JPEG,
  FOR_TINY_JPEG,
  FOR_WEBP,
  fit,
  isPrepared,
  preparePicture,
  TO_BT709,
  taken,
} from './picture-filters.ts'
import {
  BEYOND_SECONDS,
  type Encoding,
  encodingOf,
  isLow,
  MAX_PIXELS,
  type Plan,
  type Rung,
  SEGMENT_SECONDS,
} from './plan.ts'
import type { PreviewQuality, Size, StoryboardPlan } from './plan-extra.ts'
import { HOSTILE_INPUT } from './probe.ts'
import type { CaptionTrack } from './subtitles.ts'

const LADDER_NICENESS = 19
const STDERR_LINES = 400
const POSTER_AT_SECONDS = 1
const POSTER_AT_SHARE = 0.1
// Of one track: what is said in ten hours.
export const MAX_SRT_BYTES = 1_000_000

/** Before what we made ourselves: damage is an error, as a still less would shift all that follow. */
const OWN_INPUT = ['-protocol_whitelist', 'file', '-xerror']
/** Wherever it stands, -xerror holds for the source as well. */
const OWN_SOUND = ['-protocol_whitelist', 'file']

/** In scratch: what stands in for the poster while that is fetched. */
export const PLACEHOLDER = 'placeholder.jpg'
const PLACEHOLDER_WIDTH = 16

/** In scratch. */
export const EVEN_SOUND = 'even.mka'

/** FFmpeg's own playlist, kept in scratch only: we write the published ones from measured segments. */
export const SCRATCH_PLAYLIST = 'ffmpeg.m3u8'
/** Beside the segments of each stream, in scratch and in the storage. */
export const INIT_SEGMENT = 'init.mp4'

/**
 * One decode, split to every rung and every sound.
 * @param encoding others than the product's own, to compare them
 */
export function ladderCommand(
  source: string,
  scratch: string,
  plan: Plan,
  encoding: (rung: Rung) => Encoding = encodingOf,
): FfmpegCommand {
  const command = start(scratch)
    .input(source)
    .inputOptions(...pictureInput(plan))
  if (plan.soundFile !== null) command.input(plan.soundFile).inputOptions(...OWN_SOUND)
  command.complexFilter(filters(plan))
  plan.rungs.forEach((rung, index) => {
    command
      .output(`${rung.name}/${SCRATCH_PLAYLIST}`)
      .outputOptions(
        ...['-map', `[v${index}]`],
        ...encodeVideo(rung, encoding(rung), plan),
        ...segments(rung.name, plan),
      )
  })
  plan.sounds.forEach(({ name, bps }, index) => {
    command
      .output(`${name}/${SCRATCH_PLAYLIST}`)
      .outputOptions(...['-map', soundPad(index)], ...encodeSound(bps), ...segments(name, plan))
  })
  return command
}

/**
 * Before a source whose picture is decoded. At each change of its size FFmpeg would build all filters
 * anew, and `fps` would fill from 0 again; ours take any size. Those that turn a picture do not.
 */
export function pictureInput({ isUpright }: Plan): string[] {
  const sameFilters = isUpright ? ['-reinit_filter:v', '0'] : []
  return [...HOSTILE_INPUT, '-max_pixels', String(MAX_PIXELS), ...sameFilters]
}

export function filters(plan: Plan): string {
  const { source, audioIndex, rungs, sounds, soundFile, gainDb } = plan
  const chains = rungs.map(
    (rung, index) =>
      `[s${index}]${isPrepared(plan) ? `scale=${rung.width}:${rung.height}:${TO_BT709}` : fit(source, rung, TO_BT709)},setsar=1[v${index}]`,
  )
  if (rungs.length > 0) {
    const splits = rungs.map((_, index) => `[s${index}]`).join('')
    chains.unshift(`${preparePicture(plan)},split=${rungs.length}${splits}`)
  }
  const pads = sounds.map((_, index) => soundPad(index))
  const split = pads.length > 1 ? `,asplit=${pads.length}` : ''
  if (pads.length > 0) {
    const sound = soundFile === null ? `0:${audioIndex}` : '1:a'
    chains.push(`[${sound}]${soundChain(gainDb)}${split}${pads.join('')}`)
  }
  return chains.join(';')
}

export function encodeSound(bps: number): string[] {
  return ['-c:a', 'aac', '-b:a', String(bps), '-ac', '2']
}

function soundPad(index: number): string {
  return index === 0 ? '[a]' : `[a${index}]`
}

function encodeVideo(rung: Rung, { preset, crf, lookahead }: Encoding, { frameRate }: Plan): string[] {
  const fps = frameRate.num / frameRate.den
  return [
    ...['-c:v', 'libx264', '-preset', preset, '-profile:v', 'high', '-crf', String(crf)],
    ...(lookahead === null ? [] : ['-rc-lookahead', String(lookahead)]),
    ...['-maxrate', String(rung.maxBps), '-bufsize', String(bufferBits(rung))],
    // Closed groups of pictures that begin where segments do, and nowhere else: a keyframe at a
    // scene cut would sit at another time on another rung.
    ...['-force_key_frames', `expr:gte(t,n_forced*${SEGMENT_SECONDS})`, '-forced-idr', '1'],
    ...['-g', String(Math.ceil(fps * SEGMENT_SECONDS * 2)), '-sc_threshold', '0'],
  ]
}

/**
 * No stretch of t seconds has more than maxBps × t and this. The low rung's peak is a promise, and a last
 * segment counts from one second on: 80 + 36 kbit, 3 to 7 of container and 67 of sound stay below 192.
 */
function bufferBits(rung: Rung): number {
  return isLow(rung) ? 36_000 : rung.maxBps * 2
}

export function segments(folder: string, { maxDurationSeconds }: Pick<Plan, 'maxDurationSeconds'>): string[] {
  return [
    // Location, device and names stay with the source.
    ...['-map_metadata', '-1', '-map_chapters', '-1'],
    ...['-t', String(maxDurationSeconds + BEYOND_SECONDS)],
    // The default moves negative timestamps, and with them the sound 45 ms ahead of the picture.
    ...['-avoid_negative_ts', 'disabled'],
    ...['-f', 'hls', '-hls_segment_type', 'fmp4', '-hls_playlist_type', 'vod'],
    ...['-hls_time', String(SEGMENT_SECONDS), '-hls_flags', 'independent_segments'],
    ...['-hls_fmp4_init_filename', INIT_SEGMENT, '-hls_segment_filename', `${folder}/%05d.m4s`],
  ]
}

/**
 * Hears the sound as it would be published, and says how loud it is: `readLoudness`.
 * @param measure 'anull' only hears it
 */
export function loudnessCommand(
  source: string,
  scratch: string,
  { audioIndex, soundFile, gainDb, maxDurationSeconds }: Plan,
  measure = MEASURE,
): FfmpegCommand {
  return start(scratch)
    .input(soundFile ?? source)
    .inputOptions(...(soundFile === null ? [...HOSTILE_INPUT, '-vn', '-sn', '-dn'] : OWN_SOUND))
    .complexFilter(`[0:${soundFile === null ? audioIndex : 'a'}]${soundChain(gainDb)},${measure}[heard]`)
    .output('-')
    .outputOptions('-map', '[heard]', '-t', String(maxDurationSeconds + BEYOND_SECONDS), '-f', 'null')
}

/** The sound in one form, each part of it in its place: a picture beside it says where 0 is. */
export function evenSoundCommand(
  source: string,
  scratch: string,
  { audioIndex, maxDurationSeconds }: Plan,
): FfmpegCommand {
  return start(scratch)
    .input(source)
    .inputOptions(...HOSTILE_INPUT)
    .input('color=s=16x16:r=1:d=1')
    .inputOptions('-f', 'lavfi')
    .output(EVEN_SOUND)
    .outputOptions(
      ...['-map', '1:v', '-map', `0:${audioIndex}`, '-c:v', 'rawvideo', '-af', EVEN, '-c:a', 'flac'],
      ...['-t', String(maxDurationSeconds + BEYOND_SECONDS), '-f', 'matroska', '-map_metadata', '-1'],
    )
}

/** Each text by itself, without its style. */
/** @param tracks by their place in the list of all */
export function captionsCommand(
  source: string,
  scratch: string,
  tracks: Map<number, CaptionTrack>,
): FfmpegCommand {
  const command = start(scratch)
    .input(source)
    .inputOptions(...HOSTILE_INPUT, '-vn', '-an', '-dn')
  for (const [place, { index }] of tracks) {
    command
      .output(srtOf(place))
      .outputOptions(
        ...['-map', `0:${index}`, '-c:s', 'text', '-f', 'srt', '-map_metadata', '-1'],
        ...['-fs', String(MAX_SRT_BYTES)],
      )
  }
  return command
}

/** In scratch. @param place in the list of tracks */
export function srtOf(place: number): string {
  return `captions${place}.srt`
}

/** One rung and the sound in one file, index first. */
export function mp4Command(scratch: string, { mp4Rung, audioIndex }: Plan): FfmpegCommand {
  const command = start(scratch)
  for (const folder of audioIndex === null ? [mp4Rung] : [mp4Rung, 'audio']) {
    command
      .input(`${folder}/${SCRATCH_PLAYLIST}`)
      .inputOptions('-protocol_whitelist', 'file', '-allowed_extensions', 'ALL')
  }
  return command
    .output('video.mp4')
    .outputOptions(
      ...['-map', '0:v:0', ...(audioIndex === null ? [] : ['-map', '1:a:0'])],
      ...['-c', 'copy', '-movflags', '+faststart', '-map_metadata', '-1'],
      ...['-avoid_negative_ts', 'disabled'],
    )
}

/** When the poster is to show: a little way in, as first pictures are often black; of very few, the first. */
export function posterSeconds(durationSeconds: number): number {
  return durationSeconds < 1 ? 0 : Math.min(POSTER_AT_SECONDS, durationSeconds * POSTER_AT_SHARE)
}

/** The poster, and its placeholder from the same decoded picture. @param colour of the input */
export function posterCommand(
  scratch: string,
  { input, size, atSeconds, colour }: { input: string; size: Size; atSeconds: number; colour: Colour },
): FfmpegCommand {
  const command = start(scratch)
    .input(input)
    .inputOptions('-ss', atSeconds.toFixed(3), '-protocol_whitelist', 'file')
  return writePoster(command, taken(colour), size)
}

/** A stranger's picture, of any shape, as a poster of the video's. */
export function givenPosterCommand(
  scratch: string,
  { input, format, size }: { input: string; format: ImageFormat; size: Size },
): FfmpegCommand {
  const { width, height } = size
  const command = start(scratch)
    .input(input)
    .inputOptions(
      ...['-protocol_whitelist', 'file', '-format_whitelist', `${format}_pipe`, '-f', `${format}_pipe`],
      ...['-max_pixels', String(MAX_PIXELS)],
    )
  // What does not fit is cut off, as much on either side. Before anything else: few pixels, all of one format.
  const cut = `scale=${width}:${height}:force_original_aspect_ratio=increase,crop=${width}:${height},setsar=1`
  return writePoster(command, cut, size)
}

/** @param prepare filters that come before the picture is scaled */
function writePoster(command: FfmpegCommand, prepare: string, { width, height }: Size): FfmpegCommand {
  const still = ['-frames:v', '1', '-map_metadata', '-1', '-update', '1']
  // Whoever shows it, shows it in the poster's place and shape.
  const tinyHeight = Math.min(2 * PLACEHOLDER_WIDTH, Math.ceil((PLACEHOLDER_WIDTH * height) / width))
  return (
    command
      .complexFilter(
        [
          `[0:v]${prepare},split[large][tiny]`,
          `[large]scale=${width}:${height}:${FOR_JPEG}[poster]`,
          `[tiny]scale=${PLACEHOLDER_WIDTH}:${tinyHeight}:${FOR_TINY_JPEG}[placeholder]`,
        ].join(';'),
      )
      .output('poster.jpg')
      .outputOptions('-map', '[poster]', '-q:v', '4', ...still)
      .output(PLACEHOLDER)
      // Without its maker's name, a tenth of it.
      .outputOptions('-map', '[placeholder]', '-q:v', '8', '-flags', '+bitexact', ...still)
  )
}

interface PreviewInput extends PreviewQuality {
  /** files with a moment each, and how much of each is shown */
  inputs: string[]
  seconds: number[]
  size: Size
}

/** Moments one after the other, without sound, for ever. */
export function previewCommand(
  scratch: string,
  { inputs, seconds, size, quality, fps }: PreviewInput,
): FfmpegCommand {
  const command = start(scratch)
  inputs.forEach((input, index) => {
    command.input(input).inputOptions(...OWN_INPUT, '-t', String(seconds[index]))
  })
  const moments = inputs.map((_, index) => `[${index}:v]fps=${fps}[m${index}]`)
  const names = inputs.map((_, index) => `[m${index}]`).join('')
  const { width, height } = size
  return command
    .complexFilter(
      [
        ...moments,
        `${names}concat=n=${inputs.length},${taken(BT709)},scale=${width}:${height}:${FOR_WEBP},setsar=1[preview]`,
      ].join(';'),
    )
    .output('preview.webp')
    .outputOptions(
      ...['-map', '[preview]', '-c:v', 'libwebp_anim', '-q:v', String(quality), '-loop', '0'],
      ...['-map_metadata', '-1', '-f', 'webp'],
    )
}

/** The first picture of each segment, and no other is decoded, side by side. */
export function storyboardCommand(scratch: string, { tile, columns, rows }: StoryboardPlan): FfmpegCommand {
  return start(scratch)
    .input('stills.mp4')
    .inputOptions(...OWN_INPUT, '-skip_frame', 'nokey')
    .output('storyboard.jpg')
    .outputOptions(
      ...[
        '-vf',
        `${taken(BT709)},scale=${tile.width}:${tile.height}:${FOR_JPEG},setsar=1,tile=${columns}x${rows}`,
      ],
      ...['-frames:v', '1', '-q:v', '5', '-map_metadata', '-1', '-update', '1'],
    )
}

/** Decodes and throws away: tells a broken source from a broken command. */
export function decodeCommand(source: string, scratch: string, { videoIndex }: Plan): FfmpegCommand {
  return start(scratch)
    .input(source)
    .inputOptions(...HOSTILE_INPUT, '-xerror')
    .output('-')
    .outputOptions('-map', `0:${videoIndex}`, '-t', '10', '-f', 'null')
}

export function start(scratch: string, niceness = LADDER_NICENESS): FfmpegCommand {
  return fluent({ cwd: scratch, niceness, stdoutLines: STDERR_LINES }).addOption('-hide_banner')
}
