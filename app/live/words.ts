// Statuses, stages and times as people say them. Pure.
import type { RenditionJson, Video } from '#app/video.ts'

/** What is happening to a video, as one short phrase. */
export function describeStage(video: Video): string {
  switch (video.status) {
    case 'uploading':
      return 'Waiting for the rest of the upload'
    case 'queued':
      return waitingWords[video.stage] ?? 'Waiting for its turn'
    case 'processing':
      return describeProcessing(video)
    case 'ready':
      return 'Ready to watch'
    case 'failed':
      return 'Could not be processed'
    case 'cancelled':
      return 'Cancelled'
    default:
      return video.status satisfies never
  }
}

// Stages are finer than statuses and may grow: an unknown one is still processing.
const processingWords: Record<string, string> = {
  probing: 'Looking at the file',
  encoding: 'Making it playable everywhere',
  verifying: 'Checking the result',
  publishing: 'Publishing',
}

const waitingWords: Record<string, string> = {
  waiting_for_disk: 'Waiting for room on the server’s disk',
  waiting_for_memory: 'Waiting for memory on the server',
}

function describeProcessing(video: Video): string {
  if (video.playable) return 'Ready to watch, better quality is on its way'
  return processingWords[video.stage] ?? 'Processing'
}

/** Whether a video plays silent because of its file, which no other try changes. */
export function hasLostSound({ renditions }: Pick<Video, 'renditions'>): boolean {
  return renditions.some(isLostSound)
}

function isLostSound({ errorCode }: RenditionJson): boolean {
  return errorCode === 'sound_undecodable'
}

/** What a video plays without though it could be made; null when it has everything. */
export function describeMissing({ renditions }: Pick<Video, 'renditions'>): string | null {
  const failed = renditions.filter(rendition => rendition.state === 'failed' && !isLostSound(rendition))
  if (failed.length === 0) return null
  if (failed.some(({ kind }) => kind === 'audio')) {
    const plays = renditions.some(({ kind, state }) => kind === 'audio' && state === 'ready')
    if (!plays) return 'The sound could not be made: the video plays silent.'
    return 'One of two qualities of the sound could not be made: the video plays with the other.'
  }
  if (failed.some(({ height }) => height === null)) {
    return 'The other qualities could not be made: the video plays in one.'
  }
  const names = failed.map(({ width, height }) => `${Math.min(width ?? 0, height ?? 0)}p`)
  return `${new Intl.ListFormat('en').format(names)} could not be made: the video plays in the others.`
}

/** What to go on telling of the time left: less when it is less, more only when it is much more. */
export function calmer(told: number | null, seconds: number | null): number | null {
  const isLittleMore = told !== null && seconds !== null && seconds > told && seconds < told * 1.4 + 5
  return isLittleMore ? told : seconds
}

/** "about 3 min left"; rounded so that it does not jump with every update. */
export function describeTimeLeft(seconds: number): string {
  if (seconds < 8) return 'a few seconds left'
  if (seconds < 55) return `about ${Math.min(50, Math.ceil(seconds / 10) * 10)} s left`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `about ${Math.max(1, minutes)} min left`
  const hours = Math.round(seconds / 360) / 10
  return `about ${hours} h left`
}

/** 75 → "1:15", 3675 → "1:01:15" */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0))
  const h = Math.floor(whole / 3600)
  const m = Math.floor((whole % 3600) / 60)
  const s = String(whole % 60).padStart(2, '0')
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${m}:${s}`
}

/** As `clock`, of a whole video: however short, it is no "0:00". */
export function lengthClock(seconds: number): string {
  return clock(Math.max(1, seconds))
}

/** Decimal units, as phones, file managers and disk makers show them. */
export function describeBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1
  return `${size.toFixed(digits).replace(/\.0$/, '')} ${units[unit]}`
}

// One language, so that server and browser write the same.
const compact = new Intl.NumberFormat('en', { notation: 'compact' })

/** Such as `1 view` and `1.2K views`. */
export function count(number: number, noun: string): string {
  return `${shortNumber(number)} ${noun}${number === 1 ? '' : 's'}`
}

export function shortNumber(number: number): string {
  return compact.format(number)
}
