// How loud a source is, heard before its ladder is made. What goes wrong here costs nothing but the
// gain: the sound is then published as it is. Where it cannot be heard at all, it would cost the picture too.
import type { FfmpegCommand } from 'fluent-ffmpeg'
import type { AttemptContext } from './attempt.ts'
import { tell } from './encode.ts'
import { EVEN_SOUND, evenSoundCommand, loudnessCommand } from './ffmpeg/args.ts'
import {
  hasBegunAgain,
  isLimited,
  isNear,
  isWorthAGain,
  type Loudness,
  nearest,
  nextGain,
  readLoudness,
  TARGET_LUFS,
  type Try,
} from './ffmpeg/loudness.ts'
import type { Plan } from './ffmpeg/plan.ts'
import { FfmpegFailed, readSeconds, runFfmpeg } from './ffmpeg/run.ts'

// An hour takes a sixteenth of it on one core of 2020.
const WITHIN_SECONDS = 300
const MAX_CORRECTIONS = 5

/** The plan with the gain that its sound needs. */
export async function withGain(context: AttemptContext, source: string, plan: Plan): Promise<Plan> {
  const { log, signal } = context
  if (plan.sounds.length === 0) return plan
  const started = performance.now()
  const ends = started + WITHIN_SECONDS * 1000
  let even = plan
  try {
    let heard = await hear(context, source, plan, ends)
    if (heard.hasBegunAgain) {
      await run(context, evenSoundCommand(source, context.scratch, plan), ends)
      even = { ...plan, soundFile: EVEN_SOUND }
      heard = await hear(context, source, even, ends)
    }
    const found = await findGain(heard.loudness, async gainDb => {
      const { loudness } = await hear(context, source, { ...even, gainDb }, ends)
      return loudness?.lufs ?? TARGET_LUFS
    })
    log.info(
      { ...heard.loudness, ...found, ms: Math.round(performance.now() - started) },
      'loudness measured',
    )
    return { ...even, gainDb: found?.gainDb ?? null }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof FfmpegFailed && !(await isAudible(context, source, plan, ends))) {
      log.warn({ err: error }, 'sound left out: it cannot be decoded')
      return { ...plan, sounds: [], isSoundLost: true }
    }
    log.warn({ err: error }, 'loudness not measured: the sound is published as it is')
    return even
  }
}

/**
 * @param becomes how loud it is with a gain, and the limiter
 * @returns null where it is left as it is
 */
async function findGain(loudness: Loudness | null, becomes: (gainDb: number) => Promise<number>) {
  if (!loudness || !isWorthAGain(loudness)) return null
  let gainDb = TARGET_LUFS - loudness.lufs
  if (!isLimited(loudness, gainDb)) return { gainDb }
  const tries: Try[] = []
  for (;;) {
    tries.push({ gainDb, becomes: await becomes(gainDb) })
    const best = nearest(tries)
    if (isNear(best) || tries.length > MAX_CORRECTIONS) return best
    gainDb = nextGain(tries)
  }
}

async function hear(context: AttemptContext, source: string, plan: Plan, ends: number) {
  const stderr = await run(context, loudnessCommand(source, context.scratch, plan), ends)
  return { loudness: readLoudness(stderr, readSeconds(stderr)), hasBegunAgain: hasBegunAgain(stderr) }
}

/** FFmpeg goes on after most damage; what ends it here would end the ladder. */
async function isAudible(
  context: AttemptContext,
  source: string,
  plan: Plan,
  ends: number,
): Promise<boolean> {
  try {
    await run(context, loudnessCommand(source, context.scratch, plan, 'anull'), ends)
    return true
  } catch (error) {
    context.signal.throwIfAborted()
    return !(error instanceof FfmpegFailed)
  }
}

async function run(context: AttemptContext, command: FfmpegCommand, ends: number): Promise<string> {
  const { signal, log, config, scratch, scratchBytes } = context
  const stillEncoding = () => tell(context, 'encoding', 0)
  await stillEncoding()
  return await runFfmpeg(command, {
    ...{ signal, log, config, scratch, scratchBytes },
    withinSeconds: Math.max(0, ends - performance.now()) / 1000,
    onProgress: () => {
      stillEncoding().catch(error => log.warn({ err: error }, 'progress lost'))
    },
  })
}
