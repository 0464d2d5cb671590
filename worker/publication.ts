// What is published beside the streams: the playlists we write ourselves, the MP4 and the poster.
// An MP4 or a poster that fails costs neither ladder nor video.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { FfmpegCommand } from 'fluent-ffmpeg'
import type { Logger } from 'pino'
import type { Config } from '#config'
import type { Attempt } from '#db/attempts.ts'
import type { NewPublication, NewRendition } from '#db/publish.ts'
import type { RenditionKind } from '#db/schema.ts'
import { errorCode } from '#media/disk-files.ts'
import { attemptKey } from '#media/keys.ts'
import { masterPlaylist, mediaPlaylist } from '#media/playlist.ts'
import type { LeftOut } from './encode.ts'
import { INIT_SEGMENT, mp4Command, posterCommand, posterSeconds, SCRATCH_PLAYLIST } from './ffmpeg/args.ts'
import { BT709 } from './ffmpeg/colour.ts'
import { isLow, type Plan, worthPublishing } from './ffmpeg/plan.ts'
import { FfmpegDied, FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { type MeasuredLadder, type MeasuredStream, sizeOf } from './ffmpeg/verify.ts'
import { takePlaceholder } from './placeholder.ts'
import { writeScratch } from './scratch-files.ts'

const MP4 = 'video.mp4'
const POSTER = 'poster.jpg'

interface Input {
  attempt: Attempt
  log: Logger
  signal: AbortSignal
  config?: Config
  scratch: string
  scratchBytes?: number
  plan: Plan
  /** what plan and streams lack */
  leftOut: LeftOut[]
  streams: MeasuredLadder
}

/** Completes the scratch folder to what is published, and describes it for the database. */
export async function writePublication(input: Input): Promise<NewPublication> {
  const { scratch, plan, streams, attempt } = input
  const { audio, lowAudio } = streams
  const video = worthPublishing(streams.video, plan)
  const [top] = video
  if (!top) throw new Error('a ladder without a rung')
  const remux = mp4Command(scratch, { ...plan, audioIndex: audio ? plan.audioIndex : null })
  const mp4 = await tryFile(input, 'mp4', MP4, remux)
  const atSeconds = posterSeconds(top.durationSeconds)
  const still = posterCommand(scratch, { input: MP4, size: plan.poster, atSeconds, colour: BT709 })
  const poster = mp4 && (await tryFile(input, 'poster', POSTER, still))
  const placeholder = await takePlaceholder(scratch)
  const all = [...video, audio, lowAudio].filter(stream => stream !== null)
  for (const stream of all) await writeMediaPlaylist(scratch, stream, streams.targetSeconds)
  const unused = [...plan.rungs, ...plan.sounds].filter(one => !all.some(({ name }) => name === one.name))
  for (const { name } of unused) await rm(path.join(scratch, name), { recursive: true })
  const fps = plan.frameRate.num / plan.frameRate.den
  await writeScratch(scratch, 'master.m3u8', master({ ...streams, video }, fps))

  const key = (name: string) => attemptKey(attempt.videoId, attempt.token, name)
  const renditions: NewRendition[] = all.map(stream => ({
    ...describe(stream, fps),
    key: key(`${stream.name}/index.m3u8`),
  }))
  renditions.push(...[mp4, poster].filter(made => made !== null))
  for (const { name, code, ...stream } of input.leftOut) {
    renditions.push({ ...EMPTY, ...stream, bytes: 0, key: key(`${name}/index.m3u8`), failedWith: code })
  }
  return {
    masterKey: key('master.m3u8'),
    mp4Key: mp4?.key ?? null,
    poster: poster && { key: poster.key, placeholder },
    durationSeconds: top.durationSeconds,
    width: top.track.kind === 'video' ? top.track.width : 0,
    height: top.track.kind === 'video' ? top.track.height : 0,
    renditions,
  }
}

const EMPTY = {
  width: null,
  height: null,
  fps: null,
  codecs: null,
  peakBps: null,
  averageBps: null,
  segments: [],
}

/** A rendition that is one file, or a file and what it names. */
export function fileRendition(kind: RenditionKind, key: string, bytes: number): NewRendition {
  return { ...EMPTY, kind, key, bytes }
}

export function describe({ track, segments, bytes, peakBps, averageBps }: MeasuredStream, fps: number) {
  const size = track.kind === 'video' ? { width: track.width, height: track.height, fps } : EMPTY
  return { ...EMPTY, ...size, kind: track.kind, codecs: track.codec, peakBps, averageBps, bytes, segments }
}

export async function writeMediaPlaylist(
  scratch: string,
  { name, segments }: MeasuredStream,
  targetDuration: number,
): Promise<void> {
  const text = mediaPlaylist({ init: INIT_SEGMENT, segments, targetDuration })
  await writeScratch(scratch, `${name}/index.m3u8`, text)
  await rm(path.join(scratch, name, SCRATCH_PLAYLIST))
}

export function master(
  { video, audio, lowAudio }: Pick<MeasuredLadder, 'video' | 'audio' | 'lowAudio'>,
  fps: number,
): string {
  return masterPlaylist({
    audio: audio && soundOf(audio),
    video: video.flatMap(({ name, track, peakBps, averageBps }) =>
      track.kind === 'video'
        ? [
            {
              uri: `${name}/index.m3u8`,
              width: track.width,
              height: track.height,
              fps,
              codecs: track.codec,
              peakBps,
              averageBps,
              ...(lowAudio && isLow({ name }) ? { audio: soundOf(lowAudio) } : {}),
            },
          ]
        : [],
    ),
  })
}

function soundOf({ name, track, peakBps, averageBps }: MeasuredStream) {
  return { uri: `${name}/index.m3u8`, group: name, codecs: track.codec, peakBps, averageBps }
}

/** @returns null when it is not made, which costs nothing else: the failure is in the log */
async function tryFile(
  { scratch, scratchBytes, attempt, signal, log, config }: Input,
  kind: RenditionKind,
  name: string,
  command: FfmpegCommand,
): Promise<NewRendition | null> {
  try {
    await runFfmpeg(command, { signal, log, config, scratch, scratchBytes })
    return fileRendition(kind, attemptKey(attempt.videoId, attempt.token, name), await sizeOf(scratch, name))
  } catch (error) {
    // FFmpeg is content with nothing to write.
    const hasFailed = error instanceof FfmpegFailed || error instanceof FfmpegDied
    if (!(hasFailed || errorCode(error) === 'ENOENT')) throw error
    log.warn({ err: error, what: name }, 'rendition left out')
    return null
  }
}
