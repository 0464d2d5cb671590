// What the first rung is: pure, as plan.ts.
import { BT709, type Colour } from './colour.ts'
import type { Copyable } from './copyable.ts'
import type { Facts } from './facts.ts'
import { AUDIO_BPS, evenAbove, type Plan, type Rung, rungOf, SEGMENT_SECONDS } from './plan.ts'

/** Part of every attempt's row, as plan.ts's. */
export const RECIPE = 'first-copy-or-480p-bt709-stereo-4'

export interface FirstStream {
  kind: 'video' | 'audio'
  /** its folder */
  name: string
  /** of its growing list: no segment will be longer; whole seconds */
  targetSeconds: number
  /** until they can be measured */
  peakBps: number
  averageBps: number
  /** of the picture, as displayed */
  size: { width: number; height: number; fps: number } | null
}

export interface FirstPlan extends Plan {
  streams: FirstStream[]
  /** what its pictures are in */
  colour: Colour
}

// Enough for a phone's screen, and quick beside anything a source may need to be decoded.
const SHORT_SIDE = 480

/** One small rendition. */
export function planFirst(plan: Plan, facts: Facts): FirstPlan {
  const { width, height } = facts.video
  const rung = rungOf(facts, Math.min(SHORT_SIDE, evenAbove(Math.min(width, height))))
  const fps = plan.frameRate.num / plan.frameRate.den
  const poster = { width: rung.width, height: rung.height }
  const sounds = plan.sounds.slice(0, 1)
  const streams = [videoStream(rung, fps), ...audioStreams(plan, 'audio')]
  return { ...plan, rungs: [rung], sounds, poster, streams, colour: BT709 }
}

/** The picture as it is. */
export function planCopy(plan: Plan, { video }: Facts, judged: Copyable): FirstPlan {
  const { width, height } = video
  const fps = plan.frameRate.num / plan.frameRate.den
  const rung: Rung = { name: 'copy', width, height, maxBps: judged.peakBps }
  // One for all (Apple 8.2). Sound may be a little longer than its picture.
  const targetSeconds = Math.max(judged.targetSeconds, SEGMENT_SECONDS)
  const stream = { ...videoStream(rung, fps), targetSeconds, averageBps: judged.averageBps }
  const sound = audioStreams(plan, 'copy-audio').map(each => ({ ...each, ...judged.sound, targetSeconds }))
  return { ...plan, rungs: [rung], streams: [stream, ...sound], colour: video.colour }
}

function videoStream({ name, width, height, maxBps }: Rung, fps: number): FirstStream {
  const size = { width, height, fps }
  return { kind: 'video', name, targetSeconds: SEGMENT_SECONDS, peakBps: maxBps, averageBps: maxBps, size }
}

function audioStreams({ audioIndex }: Plan, name: string): FirstStream[] {
  if (audioIndex === null) return []
  const rates = { peakBps: AUDIO_BPS, averageBps: AUDIO_BPS }
  return [{ kind: 'audio', name, targetSeconds: SEGMENT_SECONDS, ...rates, size: null }]
}
