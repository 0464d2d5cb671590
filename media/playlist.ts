// Writes HLS playlists from measured segments: RFC 8216, its second edition ("8216bis",
// draft-pantos-hls-rfc8216bis) and Apple's HLS Authoring Specification ("Apple"). Pure. FFmpeg's own
// are not used: wrong peaks, no AVERAGE-BANDWIDTH, no FRAME-RATE.

interface PlaylistSegment {
  /** relative to the playlist, so that a signed or moved prefix covers it */
  uri: string
  durationSeconds: number
}

export interface MediaPlaylist {
  init: string
  segments: PlaylistSegment[]
  /** put before each URI, where the list is not beside its files: an absolute URL or path, with its last slash */
  base?: string
  /** whole seconds; the least that is allowed by default. A growing list must give it: it may never change */
  targetDuration?: number
  /** false while segments are still added */
  complete?: boolean
  /** whether it was listed before it was complete: then it says so for ever (RFC 8216 §6.2.1) */
  hasGrown?: boolean
}

export interface Bitrates {
  /** bits per second */
  peakBps: number
  averageBps: number
}

export interface VideoVariant extends Bitrates {
  uri: string
  /** as displayed */
  width: number
  height: number
  fps: number
  /** RFC 6381 */
  codecs: string
  /** what is played with it where that is not what is played with all others */
  audio?: AudioRendition
}

export interface AudioRendition extends Bitrates {
  uri: string
  codecs: string
  /** 2 by default */
  channels?: number
  /** GROUP-ID; audio by default */
  group?: string
}

// EXT-X-MAP beside ordinary segments needs 6, and nothing here needs more (RFC 8216 §7).
const VERSION = 6
const AUDIO_GROUP = 'audio'
// The short side of the variant that a player should begin with.
const START_SHORT_SIDE = 480

/** @throws Error when a segment does not fit the target duration, a URI is not relative or the base not absolute */
export function mediaPlaylist(playlist: MediaPlaylist): string {
  const { init, segments, base = '', complete = true, hasGrown = !complete } = playlist
  if (!/^((https?:\/)?(\/[^\s"?#/\p{Cc}]+)+\/)?$/u.test(base)) {
    throw new Error(`"${base}" is no base of media`)
  }
  const target = playlist.targetDuration ?? targetDuration(segments)
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    `#EXT-X-TARGETDURATION:${target}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${hasGrown ? 'EVENT' : 'VOD'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ]
  // Players start a growing list near its end (RFC 8216 §6.3.3) unless told not to.
  if (hasGrown) lines.push('#EXT-X-START:TIME-OFFSET=0')
  lines.push(`#EXT-X-MAP:URI="${base}${relative(init)}"`)
  for (const { uri, durationSeconds } of segments) {
    if (!(durationSeconds > 0)) throw new Error(`${uri} lasts ${durationSeconds} s`)
    if (Math.round(durationSeconds) > target) {
      throw new Error(`${uri} lasts ${durationSeconds} s, more than the target duration of ${target} s`)
    }
    // Six decimals are a microsecond, finer than any frame: sums do not drift (8216bis §4.4.4.1).
    lines.push(`#EXTINF:${durationSeconds.toFixed(6)},`, base + relative(uri))
  }
  if (complete) lines.push('#EXT-X-ENDLIST')
  return `${lines.join('\n')}\n`
}

/** The files that a media playlist of ours names, its init segment first. */
export function playlistUris(text: string): string[] {
  return text.split('\n').flatMap(line => {
    const [, init] = /^#EXT-X-MAP:URI="([^"]+)"/.exec(line) ?? []
    if (init) return [init]
    return line === '' || line.startsWith('#') ? [] : [line]
  })
}

/** Whether a media playlist says that nothing is added to it any more. */
export function playlistEnds(text: string): boolean {
  return /^#EXT-X-ENDLIST$/m.test(text)
}

/**
 * First the variant to start with, then the others from best to least: Apple's players begin with the
 * first one, before they have measured anything (Technical Note TN2224; the rest of the order means
 * nothing to them). We give it the largest rung of at most 480 lines: it starts on a phone network within a second and
 * is no blur on a phone's screen; the next segment may already come from a better one.
 */
export function masterPlaylist({
  video,
  audio,
}: {
  video: VideoVariant[]
  audio: AudioRendition | null
}): string {
  if (video.length === 0) throw new Error('a master playlist needs a video variant')
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, '#EXT-X-INDEPENDENT-SEGMENTS']
  for (const sound of new Set([audio, ...video.map(variant => variant.audio)])) {
    if (!sound) continue
    // A language is required (Apple 8.10); nobody told us which.
    lines.push(
      `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="${sound.group ?? AUDIO_GROUP}",NAME="Audio",LANGUAGE="und",DEFAULT=YES,` +
        `AUTOSELECT=YES,CHANNELS="${sound.channels ?? 2}",URI="${relative(sound.uri)}"`,
    )
  }
  for (const variant of startFirst(video)) {
    lines.push(
      `#EXT-X-STREAM-INF:${streamAttributes(variant, variant.audio ?? audio)}`,
      relative(variant.uri),
    )
  }
  return `${lines.join('\n')}\n`
}

/**
 * The least target duration: every EXTINF, rounded to the nearest integer, must be at most that
 * (RFC 8216 §4.3.3.1).
 */
export function targetDuration(segments: { durationSeconds: number }[]): number {
  return segments.reduce((target, segment) => Math.max(target, Math.round(segment.durationSeconds)), 1)
}

/**
 * Peak: the largest bit rate of any contiguous set of segments that lasts between 0.5 and 1.5 target
 * durations; average: all bytes over all time (RFC 8216 §4.3.4.2). Apple wants both within 10 % of
 * what is declared.
 */
export function bitrates(
  segments: { bytes: number; durationSeconds: number }[],
  target: number = targetDuration(segments),
): Bitrates {
  const averageBps = rate(segments)
  let peakBps = 0
  for (let first = 0; first < segments.length; first++) {
    for (let end = first + 1; end <= segments.length; end++) {
      const set = segments.slice(first, end)
      const seconds = set.reduce((sum, segment) => sum + segment.durationSeconds, 0)
      if (seconds > 1.5 * target) break
      if (seconds >= 0.5 * target) peakBps = Math.max(peakBps, rate(set))
    }
  }
  // Shorter than half of the target altogether: no set qualifies, and the whole is its own peak.
  return { peakBps: Math.max(peakBps, averageBps), averageBps }
}

function rate(segments: { bytes: number; durationSeconds: number }[]): number {
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  const seconds = segments.reduce((sum, segment) => sum + segment.durationSeconds, 0)
  if (!(seconds > 0)) throw new Error('segments that last no time have no bit rate')
  return Math.ceil((bytes * 8) / seconds)
}

function startFirst(video: VideoVariant[]): VideoVariant[] {
  const bestFirst = video.toSorted((a, b) => b.peakBps - a.peakBps)
  const start =
    bestFirst.find(({ width, height }) => Math.min(width, height) <= START_SHORT_SIDE) ?? bestFirst.at(-1)
  return bestFirst.toSorted((a, b) => Number(b === start) - Number(a === start))
}

/** RFC 8216 §4.3.4.2: bandwidths and codecs count the audio that is played with the video. */
function streamAttributes(video: VideoVariant, audio: AudioRendition | null): string {
  const attributes = [
    `BANDWIDTH=${Math.ceil(video.peakBps + (audio?.peakBps ?? 0))}`,
    `AVERAGE-BANDWIDTH=${Math.ceil(video.averageBps + (audio?.averageBps ?? 0))}`,
    `CODECS="${audio ? `${video.codecs},${audio.codecs}` : video.codecs}"`,
    `RESOLUTION=${video.width}x${video.height}`,
    `FRAME-RATE=${video.fps.toFixed(3)}`,
  ]
  if (audio) attributes.push(`AUDIO="${audio.group ?? AUDIO_GROUP}"`)
  return attributes.join(',')
}

/** Plain names, of one's own or another attempt: no scheme, no host, no way further up, nothing that ends a line or an attribute. */
function relative(uri: string): string {
  if (/^(\.\.\/[0-9a-f-]{36}\/)?[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/.test(uri))
    return uri
  throw new Error(`"${uri}" is not a relative URI of plain names`)
}
