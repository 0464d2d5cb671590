// How far ahead of the picture a player loads. People leave most videos of a feed early: what is loaded
// then and never seen was paid for by everyone.
import type videojs from 'video.js'
import type { VideoJsPlayer } from '#app/player/create-player.ts'

// VHS looks twice a second whether it needs more, and an answer takes its time to come.
const SMALLEST_SECONDS = 1
// The longer somebody watches, the likelier they stay: for each second seen, as much of one ahead.
const AHEAD_PER_SECOND = 0.05
const MOST_SECONDS = 30

interface Network {
  /** measured; in bits per second, like the next */
  bandwidth: number
  /** of the rung that plays, at its peak */
  bitrate: number
  segmentSeconds: number
}

/** Time enough to fetch the next segment. Pure. */
export function secondsAhead({ bandwidth, bitrate, segmentSeconds }: Network): number {
  const toFetch = (segmentSeconds * bitrate) / Math.max(bandwidth, 1)
  return Math.min(SMALLEST_SECONDS + toFetch, MOST_SECONDS)
}

interface VhsConfig {
  GOAL_BUFFER_LENGTH: number
  GOAL_BUFFER_LENGTH_RATE: number
  MAX_GOAL_BUFFER_LENGTH: number
}

interface Vhs {
  bandwidth: number
  playlists: { media(): { attributes?: { BANDWIDTH?: number }; targetDuration?: number } | undefined }
}

/** The setting is one for all players of a page: that one's counts which plays. */
export function bufferNoMoreThanNeeded(library: typeof videojs, player: VideoJsPlayer): void {
  library.log.level('error') // it warns of each change of a setting
  library.log.history?.disable() // what it says is kept, with all that it speaks of
  const config = (library as unknown as { Vhs: VhsConfig }).Vhs
  config.GOAL_BUFFER_LENGTH = 2 * SMALLEST_SECONDS // until something is known of the network
  config.GOAL_BUFFER_LENGTH_RATE = AHEAD_PER_SECOND
  config.MAX_GOAL_BUFFER_LENGTH = MOST_SECONDS
  player.on(['play', 'timeupdate'], () => {
    if (player.paused()) return
    const { vhs } = player.tech(true) as { vhs?: Vhs }
    const { attributes, targetDuration = 2 } = vhs?.playlists.media() ?? {}
    if (!vhs || !attributes?.BANDWIDTH) return // plays a file, or has no list yet
    const network = {
      bandwidth: vhs.bandwidth,
      bitrate: attributes.BANDWIDTH,
      segmentSeconds: targetDuration,
    }
    config.GOAL_BUFFER_LENGTH = secondsAhead(network)
  })
}
