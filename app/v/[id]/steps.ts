// Milestones as people read them. Pure.
import type { Milestone } from '#app/video.ts'

export interface Step {
  label: string
  /** one of the few that the short form names */
  isMain: boolean
  at: string
  /** since the last byte came */
  afterSeconds: number
}

const LABELS: Record<string, string> = {
  received: 'Received',
  queued: 'Queued again',
  claimed: 'Picked up',
  probed: 'Looked at',
  playable: 'Playable',
  encoded: 'Encoded',
  verified: 'Checked',
  ready: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
}
const MAIN = ['playable', 'ready', 'failed', 'cancelled']

export function stepsOf(milestones: Milestone[]): Step[] {
  const start = Date.parse(milestones[0]?.at ?? '')
  let plays = false
  return milestones.flatMap(({ stage, at, work }, index) => {
    // Cancelled and tried again, it plays nothing.
    plays = stage === 'playable' || (plays && stage !== 'queued')
    const label = plays && work === 'ladder' ? 'Full quality begun' : LABELS[stage]
    // Received is queued, in one moment.
    if (!label || (stage === 'queued' && milestones[index - 1]?.stage === 'received')) return []
    return { label, isMain: MAIN.includes(stage), at, afterSeconds: (Date.parse(at) - start) / 1000 }
  })
}

/** 0.62 → "0.6 s", 75 → "1 min 15 s", 3700 → "1 h 1 min" */
export function describeSpan(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
