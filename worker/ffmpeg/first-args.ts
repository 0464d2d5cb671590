// Plans of first rungs → FFmpeg commands, as args.ts; at normal priority, as somebody waits.
import type { FfmpegCommand } from 'fluent-ffmpeg'
import { encodeSound, filters, pictureInput, SCRATCH_PLAYLIST, segments, start } from './args.ts'
import { copyInput, copySegments } from './copy-args.ts'
import type { Copyable } from './copyable.ts'
import { SOUND_IN_PLACE } from './loudness.ts'
import { AUDIO_BPS, type Plan, type Rung, SEGMENT_SECONDS } from './plan.ts'
import type { FirstPlan } from './plan-first.ts'
import { HOSTILE_INPUT } from './probe.ts'

const NORMAL_PRIORITY = 0
// Of the first two segments of a picture, and of all of the sound: somebody waits for the first. Half a
// SEGMENT_SECONDS, so that the third begins where it would have begun.
const START_SECONDS = 1

/** After `segments`: a segment and the list get their names when they are whole, and the list at once. */
const GROWING = ['-hls_playlist_type', 'event', '-hls_flags', 'independent_segments+temp_file']

/** One small rendition, and the sound. */
export function firstCommand(source: string, scratch: string, plan: FirstPlan): FfmpegCommand {
  const command = start(scratch, NORMAL_PRIORITY)
    .input(source)
    .inputOptions(...pictureInput(plan))
    .complexFilter(filters(plan))
  for (const { kind, name } of plan.streams) {
    const codec =
      kind === 'video' ? plan.rungs.flatMap(rung => encodeQuickly(rung, plan)) : encodeSound(AUDIO_BPS)
    command
      .output(`${name}/${SCRATCH_PLAYLIST}`)
      .outputOptions(
        ...['-map', kind === 'video' ? '[v0]' : '[a]', ...codec],
        ...[...segments(name, plan), ...GROWING, '-hls_time', String(START_SECONDS)],
      )
  }
  return command
}

// At 0, 1, 2, 4, 6 … seconds: each keyframe ends a segment.
const KEYFRAMES = `if(lt(n_forced,2),n_forced*${START_SECONDS},(n_forced-1)*${SEGMENT_SECONDS})`

/** Half the work of a ladder's rung; nothing is looked ahead, so that the first segment is soon there. */
function encodeQuickly({ maxBps }: Rung, { frameRate }: Plan): string[] {
  const fps = frameRate.num / frameRate.den
  return [
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '25'],
    ...['-maxrate', String(maxBps), '-bufsize', String(maxBps * 2)],
    ...['-force_key_frames', `expr:gte(t,${KEYFRAMES})`, '-forced-idr', '1'],
    ...['-g', String(Math.ceil(fps * SEGMENT_SECONDS * 2)), '-sc_threshold', '0'],
  ]
}

/** The picture as it is; the sound too where players take it. */
export function copyCommand(
  source: string,
  scratch: string,
  plan: FirstPlan,
  judged: Copyable,
): FfmpegCommand {
  const command = start(scratch, NORMAL_PRIORITY)
    .input(source)
    .inputOptions(...HOSTILE_INPUT, ...copyInput(judged))
  for (const { kind, name } of plan.streams) {
    const index = kind === 'video' ? plan.videoIndex : plan.audioIndex
    const isCopied = kind === 'video' || judged.copies === 'picture and sound'
    const sound = ['-af', SOUND_IN_PLACE, ...encodeSound(AUDIO_BPS)]
    command
      .output(`${name}/${SCRATCH_PLAYLIST}`)
      .outputOptions(
        ...['-map', `0:${index}`],
        ...(isCopied ? copySegments(name, plan) : [...sound, ...segments(name, plan)]),
        ...GROWING,
      )
  }
  return command
}
