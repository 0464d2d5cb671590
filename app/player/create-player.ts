// The one place that knows video.js: loads it on demand and makes a bare player, without its controls
// and style sheet, which are ours. Returns nothing to the page's globals.
import type videojs from 'video.js'
import { bufferNoMoreThanNeeded } from '#app/player/buffering.ts'
import { keepRungInLoops } from '#app/player/steady-loop.ts'
import type { Video } from '#app/video.ts'

export type VideoJsPlayer = ReturnType<typeof videojs>

/** Fetched after first paint: with VHS it weighs more than the rest of the page together. */
export async function loadVideoJs(): Promise<typeof videojs> {
  return (await import('video.js')).default
}

/** @returns a silent player without a source, in an element of its own inside `holder` */
export function createPlayer(library: typeof videojs, holder: HTMLElement): VideoJsPlayer {
  // video.js wraps the element, so React must not own it.
  const element = document.createElement('video')
  element.setAttribute('playsinline', '')
  // Captions may come from a CDN, which answers everyone.
  element.crossOrigin = 'anonymous'
  element.className = 'video-js'
  holder.append(element)

  // Safari and every browser on iOS play HLS best by themselves; elsewhere VHS must take over, also
  // in Chromium builds that claim to play HLS and then handle separate audio badly.
  const { IS_SAFARI, IS_IOS } = library.browser
  const overrideNative = !(IS_SAFARI || IS_IOS)
  const player = library(element, {
    // The next source of the list when one fails before it plays.
    retryOnError: true,
    muted: true,
    // VHS fetches one segment and waits for the first play; a player of the system would go on.
    preload: overrideNative ? 'auto' : 'metadata',
    controls: false,
    children: ['mediaLoader'],
    html5: {
      vhs: {
        overrideNative,
        useDevicePixelRatio: true,
        // A video begins in the quality that the last one came to, also at the next visit.
        useBandwidthFromLocalStorage: true,
        // Chromium's word for the network would count for more than what was measured just now.
        useNetworkInformationApi: false,
        // Whatever a growing list names is stored and stays: nothing of it is too near its end.
        allowSeeksWithinUnsafeLiveWindow: true,
      },
      nativeAudioTracks: !overrideNative,
      // VHS notes its segments in a track that nothing loads, and WebKitGTK would wait for a native one before it
      // plays. Captions are the page's own tracks.
      nativeTextTracks: false,
      nativeVideoTracks: !overrideNative,
    },
  })
  if (overrideNative) {
    player.on('loadstart', () => playToTheEdge(player))
    bufferNoMoreThanNeeded(library, player)
    keepRungInLoops(player)
  }
  // It calls itself a landmark, "Video Player": one in every article of a feed says nothing.
  player.el().removeAttribute('role')
  player.el().removeAttribute('aria-label')
  return player
}

/** Takes the source out, and with it what is loaded and what is on its way. */
export function unload(player: VideoJsPlayer): void {
  player.pause()
  const tech = player.tech(true) as unknown as Tech
  // Tracks that are taken out would go on looking at each frame.
  for (const track of Array.from(tech.textTracks())) track.mode = 'disabled'
  tech.disposeSourceHandler()
  tech.reset()
  // What VHS and its tracks leave here holds all that they were. A player is never disposed of.
  tech.off(['bandwidthupdate', 'keystatuschange', 'dispose'])
}

// What is not in its types: its own way to make room for another source, and the element's.
interface Tech {
  textTracks(): ArrayLike<{ mode: TextTrackMode }>
  disposeSourceHandler(): void
  reset(): void
  off(events: string[]): void
}

// What VHS is asked, of what it offers to a player's page.
interface Vhs {
  playlists: {
    main?: { suggestedPresentationDelay?: number }
    one(event: string, then: () => void): void
  }
}

const NEARLY_NOTHING_SECONDS = 0.001

/**
 * VHS takes a list without an end to be live, and keeps three segments' distance to its edge: a seek
 * lands as much too early, and who comes to the edge is thrown back from it. What ours name is stored
 * and stays.
 */
function playToTheEdge(player: VideoJsPlayer) {
  const { playlists } = (player.tech(true) as { vhs?: Vhs }).vhs ?? {}
  if (!playlists) return // plays a file
  const apply = () => {
    if (playlists.main) playlists.main.suggestedPresentationDelay = NEARLY_NOTHING_SECONDS
  }
  if (playlists.main) apply()
  else playlists.one('loadedplaylist', apply)
}

export function sourcesOf(video: Video) {
  const sources: { src: string; type: string }[] = []
  if (video.hlsUrl) sources.push({ src: video.hlsUrl, type: 'application/vnd.apple.mpegurl' })
  if (video.mp4Url) sources.push({ src: video.mp4Url, type: 'video/mp4' })
  return sources
}

export function elementOf(player: VideoJsPlayer): HTMLVideoElement | null {
  return player.el().querySelector('video')
}

/** "playing" comes before the picture; this comes with it, also for a player that is still paused. */
export function onNextFrame(player: VideoJsPlayer, tell: () => void) {
  const element = elementOf(player)
  if (element && 'requestVideoFrameCallback' in element) element.requestVideoFrameCallback(tell)
  else player.one('timeupdate', tell)
}
