// What is known of a source: ffprobe's answer, parsed once into typed facts, trusted after. Pure.
import { z } from 'zod'
import { VideoError } from '../errors.ts'
import { colourSchema, readColour } from './colour.ts'
import { LEAST_BITS_PER_SECOND } from './plan.ts'
import { captionTrackSchema, captionTracks } from './subtitles.ts'

// Phones write five or six, discs some forty. What has thousands wants our memory.
export const MAX_STREAMS = 100

const fraction = z.object({ num: z.number(), den: z.number() })
export type Fraction = z.output<typeof fraction>

const factsSchema = z.object({
  format: z.string(),
  /** null when the container does not say, or lies */
  durationSeconds: z.number().nullable(),
  /** that is how long the longest of its streams lasts: of the picture nothing is said */
  isLongestDuration: z.boolean().optional(),
  video: z.object({
    index: z.number(),
    codec: z.string(),
    /** as displayed, after rotation and pixel shape */
    width: z.number(),
    height: z.number(),
    rotation: z.number(),
    pixelFormat: z.string(),
    colour: colourSchema,
    /** a constant rate that shows every frame, frames per second as a fraction */
    frameRate: fraction,
  }),
  audio: z.object({ index: z.number(), codec: z.string(), channels: z.number() }).nullable(),
  /** of the picture, where the container counts */
  frames: z.number().optional(),
  /** of the picture, after the file's own beginning */
  startSeconds: z.number().optional(),
  /** of the sound, as the picture's */
  soundStartSeconds: z.number().optional(),
  /** it has no matrix by which FFmpeg would turn or mirror it */
  isUpright: z.boolean().optional(),
  /** so many bytes last no longer */
  mostSeconds: z.number().optional(),
  /** there is sound, and none of it can be decoded */
  isSoundLost: z.boolean().optional(),
  /** text that can become captions */
  captions: z.array(captionTrackSchema).optional(),
})
export type Facts = z.output<typeof factsSchema>

/** What an earlier attempt found, unless it knew less than we ask today. */
export function knownFacts(json: unknown): Facts | null {
  return factsSchema.safeParse(json).data ?? null
}

// fluent-ffmpeg turns numbers into numbers and leaves "N/A" and fractions as text.
const text = z.union([z.string(), z.number()]).transform(String)
const count = z.union([z.number(), z.string().transform(() => undefined)])
const streamSchema = z.looseObject({
  index: z.number(),
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  codec_tag_string: text.optional(),
  width: count.optional(),
  height: count.optional(),
  channels: count.optional(),
  sample_fmt: text.optional(),
  pix_fmt: text.optional(),
  nb_frames: text.optional(),
  color_transfer: text.optional(),
  color_primaries: text.optional(),
  color_space: text.optional(),
  color_range: text.optional(),
  // Side data, whose fields ffprobe.ts puts among the stream's own.
  dv_profile: text.optional(),
  dv_bl_signal_compatibility_id: text.optional(),
  r_frame_rate: text.optional(),
  avg_frame_rate: text.optional(),
  sample_aspect_ratio: text.optional(),
  start_time: text.optional(),
  duration: text.optional(),
  rotation: text.optional(),
  displaymatrix: text.optional(),
  disposition: z
    .looseObject({
      default: z.number().optional(),
      attached_pic: z.number().optional(),
      timed_thumbnails: z.number().optional(),
    })
    .optional(),
  tags: z
    .looseObject({ language: text.optional(), title: text.optional(), DURATION: text.optional() })
    .optional(),
})
type Stream = z.output<typeof streamSchema>
const probeSchema = z.object({
  streams: z.array(streamSchema),
  format: z.looseObject({ format_name: text, start_time: text.optional(), duration: text.optional() }),
})

/** Pure: ffprobe's answer → facts. @throws VideoError */
export function readFacts(raw: unknown, sizeBytes: number): Facts {
  const { streams, format } = probeSchema.parse(raw)
  if (streams.length > MAX_STREAMS) throw tooManyStreams()
  if (streams.some(stream => /^enc[vas]$/.test(stream.codec_tag_string ?? ''))) throw encrypted()
  const video = choosePicture(streams)
  const sounds = streams.filter(({ codec_type }) => codec_type === 'audio')
  const audible = sounds.filter(isDecodable)
  const audio = audible.find(({ disposition }) => disposition?.default) ?? audible[0]
  if (!video) {
    if (sounds.length > 0)
      throw new VideoError('audio_only', 'The file has sound but no picture. Upload a video.')
    throw new VideoError(
      'not_a_video',
      'The file has no video in it. Upload an MP4, MOV, WebM, MKV or AVI file.',
    )
  }
  if (!isKnown(video.codec_name) || !video.width || !video.height) {
    throw new VideoError(
      'undecodable',
      'The picture is in a format that cannot be decoded, or damaged. Export the video as H.264 and upload that.',
    )
  }
  const rotation = quarterTurns(video.rotation)
  const shape = pixelShape(video.sample_aspect_ratio)
  const displayWidth = Math.max(1, Math.round(video.width * shape))
  const isTurned = rotation % 180 !== 0
  return {
    format: format.format_name,
    ...duration(video, format.duration, sizeBytes),
    video: {
      index: video.index,
      codec: video.codec_name,
      width: isTurned ? video.height : displayWidth,
      height: isTurned ? displayWidth : video.height,
      rotation,
      pixelFormat: video.pix_fmt ?? 'unknown',
      colour: readColour({ ...video, width: video.width, height: video.height }),
      frameRate: frameRate(video.r_frame_rate, video.avg_frame_rate),
    },
    audio: audio?.codec_name
      ? { index: audio.index, codec: audio.codec_name, channels: audio.channels ?? 2 }
      : null,
    ...(Number(video.nb_frames) > 0 && { frames: Number(video.nb_frames) }),
    startSeconds: startSeconds(video.start_time, format.start_time),
    ...(audio && { soundStartSeconds: startSeconds(audio.start_time, format.start_time) }),
    isUpright: video.displaymatrix === undefined && video.rotation === undefined,
    mostSeconds: mostSeconds(sizeBytes),
    isSoundLost: sounds.length > 0 && !audio,
    captions: captionTracks(streams),
  }
}

/** Of several the one that can be decoded, then the one that players show by default, then the largest. */
function choosePicture(streams: Stream[]): Stream | undefined {
  const isMoving = ({ codec_type, disposition }: Stream) =>
    codec_type === 'video' && !disposition?.attached_pic && !disposition?.timed_thumbnails
  const canDecode = ({ codec_name, width }: Stream) => Number(isKnown(codec_name) && Boolean(width))
  const isDefault = ({ disposition }: Stream) => disposition?.default ?? 0
  const pixels = ({ width, height }: Stream) => (width ?? 0) * (height ?? 0)
  return streams
    .filter(isMoving)
    .sort((a, b) => canDecode(b) - canDecode(a) || isDefault(b) - isDefault(a) || pixels(b) - pixels(a))[0]
}

/** What has no decoder here, or none that takes it, ffprobe gives no sample format. */
function isDecodable({ codec_name, sample_fmt }: Stream): boolean {
  return isKnown(codec_name) && isKnown(sample_fmt)
}

function isKnown(codec: string | undefined): codec is string {
  return codec !== undefined && codec !== 'unknown' && codec !== 'none'
}

function duration(
  video: Stream,
  ofFormat: string | undefined,
  sizeBytes: number,
): Pick<Facts, 'durationSeconds' | 'isLongestDuration'> {
  // Matroska has one for the whole, as long as its longest sound; most writers add those of streams as tags.
  const ofStream = [video.duration, clockSeconds(video.tags?.DURATION)].map(Number).find(value => value > 0)
  const seconds = ofStream ?? Number(ofFormat)
  const isSaid = seconds > 0 && seconds <= mostSeconds(sizeBytes)
  return { durationSeconds: isSaid ? seconds : null, isLongestDuration: isSaid && ofStream === undefined }
}

/** FFmpeg begins at the earliest of a file's streams. */
function startSeconds(ofStream: string | undefined, ofFormat: string | undefined): number {
  // It may be "N/A".
  const [stream, format] = [Number(ofStream) || 0, Number(ofFormat) || 0]
  return Math.max(0, stream - format)
}

/** `00:01:02.500000000` */
function clockSeconds(clock: string | undefined): string | undefined {
  const [, hours, minutes, seconds] = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(clock ?? '') ?? []
  return seconds && String(Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
}

function mostSeconds(sizeBytes: number): number {
  return (sizeBytes * 8) / LEAST_BITS_PER_SECOND
}

/** FFmpeg turns as a player does, mirrored or not; what is beside a quarter it turns within its frame. */
function quarterTurns(rotation: string | undefined): number {
  const turns = Math.round(Number(rotation ?? 0) / 90)
  return Math.abs(Number(rotation ?? 0) - turns * 90) < 1 ? (((turns * 90) % 360) + 360) % 360 : 0
}

/** Width over height of one pixel; 1 where it is missing or absurd. */
function pixelShape(ratio: string | undefined): number {
  const [width = 0, height = 0] = (ratio ?? '').split(':').map(Number)
  const shape = width / height
  return shape > 0.1 && shape < 10 ? shape : 1
}

const MAX_FPS = 60
const USUAL: Fraction[] = [
  { num: 24000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30000, den: 1001 },
  { num: 30, den: 1 },
  { num: 48, den: 1 },
  { num: 50, den: 1 },
  { num: 60000, den: 1001 },
  { num: 60, den: 1 },
]

/**
 * A phone's variable rate has a steady base (r_frame_rate) with frames left out: the base shows every
 * frame. Where the base is a timestamp grid and not a rate, the average is nearer the truth.
 */
function frameRate(base: string | undefined, average: string | undefined): Fraction {
  const baseRate = parseFraction(base)
  const averageRate = parseFraction(average)
  const isBaseTrue = baseRate > 0 && baseRate <= 2 * MAX_FPS && averageRate >= baseRate * 0.5
  const candidates = isBaseTrue ? [baseRate] : [averageRate, baseRate]
  const rate = candidates.find(value => value > 0 && value <= 5 * MAX_FPS) ?? 30
  if (rate > MAX_FPS) return { num: MAX_FPS, den: 1 }
  const usual =
    USUAL.find(({ num, den }) => Math.abs(num / den / rate - 1) < 0.0005) ??
    USUAL.find(({ num, den }) => Math.abs(num / den / rate - 1) < 0.01)
  return usual ?? { num: Math.max(1, Math.round(rate)), den: 1 }
}

function parseFraction(value: string | undefined): number {
  const [num = 0, den = 1] = (value ?? '').split('/').map(Number)
  const rate = num / den
  return Number.isFinite(rate) ? rate : 0
}

export function tooManyStreams(cause?: Error): VideoError {
  return new VideoError(
    'too_many_streams',
    `The file has more than ${MAX_STREAMS} streams (pictures, sounds, subtitles); at most ${MAX_STREAMS} are allowed. Export the video with one picture and one sound and upload that.`,
    { cause },
  )
}

export function encrypted(): VideoError {
  return new VideoError(
    'encrypted',
    'The video is encrypted (copy-protected), so it cannot be converted. Upload a version without protection.',
  )
}
