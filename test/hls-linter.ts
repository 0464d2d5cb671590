// Looks at a published ladder as Apple's validator would, with the numbers of the rules: "Apple" is the
// HLS Authoring Specification of 2025-05-08, "RFC" is RFC 8216. What is kept, what is not and why:
// docs/decisions/0005-rules-of-hls.md. Measures by its own means, from the bytes.
import {
  type Attributes,
  type Fetch,
  fetchFrom,
  type Presentation,
  readPresentation,
  type Stream,
  tag,
  urisOf,
} from './hls-presentation.ts'

export interface Finding {
  rule: string
  where: string
  message: string
}

/**
 * `first rung`: one variant that is copied or quickly made, and may still grow. What needs several
 * rungs or sound and picture cut by us is not asked of it, see FIRST_RUNG_WAIVES.
 */
export type RuleSet = 'ladder' | 'first rung'

/** @param source the master's folder, or what fetches URIs relative to it */
export async function lintHls(
  source: string | Fetch,
  master = 'master.m3u8',
  set: RuleSet = 'ladder',
): Promise<Finding[]> {
  const presentation = await readPresentation(typeof source === 'string' ? fetchFrom(source) : source, master)
  return Object.entries(CHECKS)
    .filter(([rule]) => set === 'ladder' || !FIRST_RUNG_WAIVES.includes(rule))
    .flatMap(([rule, check]) =>
      [...check(presentation)].map(([where, message]) => ({ rule, where, message })),
    )
}

type Check = (presentation: Presentation) => Iterable<[where: string, message: string]>

const MASTER = 'master'
const CELLULAR_BPS = 192_000
const TOLERANCE = 0.1
const SAME_SECONDS = 0.001
// H.264 High is profile_idc 100, level 5.2 is level_idc 52.
const [HIGH, LEVEL_5_2] = [100, 52]
const EXT_X_MAP_VERSION = 6

const CHECKS: Record<string, Check> = {
  'RFC 3.3: segments can be read': function* ({ streams }) {
    for (const { uri, problem } of streams) if (problem !== null) yield [uri, problem]
  },
  'RFC 4.3.1.1: EXTM3U comes first': function* ({ lines, streams }) {
    for (const list of [{ uri: MASTER, lines }, ...streams]) {
      if (list.lines[0] !== '#EXTM3U') yield [list.uri, `begins with ${list.lines[0]}`]
    }
  },
  'RFC 4.3.2.5: the version allows EXT-X-MAP': function* ({ streams }) {
    for (const { uri, lines } of streams) {
      const version = Number(tag(lines, 'EXT-X-VERSION') ?? 1)
      if (version < EXT_X_MAP_VERSION) yield [uri, `says version ${version}`]
    }
  },
  'RFC 4.3.3.1: no EXTINF rounds to more than the target': function* ({ streams }) {
    for (const [stream, { uri, listedSeconds }] of allSegments(streams)) {
      if (!(Math.round(listedSeconds) <= target(stream))) {
        yield [`${stream.uri} ${uri}`, `${listedSeconds} s, target ${target(stream)}`]
      }
    }
  },
  'RFC 4.3.3.4: it has ended': function* ({ streams }) {
    for (const stream of streams) if (!hasEnded(stream)) yield [stream.uri, 'has no EXT-X-ENDLIST']
  },
  'RFC 4.3.4.2: FRAME-RATE is true': function* ({ variants }) {
    for (const { attributes, stream } of variants) {
      const [declared, measured] = [Number(attributes.get('FRAME-RATE')), frameRate(stream)]
      if (Math.abs(declared / measured - 1) > 0.001) {
        yield [stream.uri, `${declared} declared, ${measured.toFixed(3)} measured`]
      }
    }
  },
  'Apple 1.3: H.264 up to High 5.2': function* ({ streams }) {
    for (const { uri, track } of streams) {
      if (track?.kind !== 'video') continue
      const [profile = 0, level = 0] = [track.codec.slice(5, 7), track.codec.slice(9)].map(hex =>
        Number.parseInt(hex, 16),
      )
      if (profile > HIGH || level > LEVEL_5_2) yield [uri, track.codec]
    }
  },
  'Apple 1.19: at most 60 frames a second': function* ({ streams }) {
    for (const stream of streams) {
      if (stream.track?.kind === 'video' && frameRate(stream) > 60.001)
        yield [stream.uri, `${frameRate(stream)}`]
    }
  },
  'Apple 1.26: AVERAGE-BANDWIDTH within 10 %': function* (presentation) {
    yield* differences(presentation, 'AVERAGE-BANDWIDTH', averageBps)
  },
  'Apple 1.27, 9.13: BANDWIDTH within 10 %': function* (presentation) {
    yield* differences(presentation, 'BANDWIDTH', peakBps)
  },
  'Apple 7.3: each segment begins where the last one ended': function* ({ streams }) {
    for (const { uri, segments } of streams) {
      for (const [index, segment] of segments.entries()) {
        const last = segments[index - 1]
        if (last && segment.startTicks !== last.endTicks) {
          yield [`${uri} ${segment.uri}`, `begins at ${segment.startTicks}, not ${last.endTicks}`]
        }
      }
    }
  },
  'Apple 7.4: each segment begins with an IDR': function* ({ streams }) {
    for (const [stream, segment] of allSegments(streams)) {
      if (segment.startsWithIdr === false) yield [`${stream.uri} ${segment.uri}`, 'begins with no IDR']
    }
  },
  'Apple 7.7: none is longer than the target and 0.5 s': function* ({ streams }) {
    for (const [stream, { uri, seconds }] of allSegments(streams)) {
      if (!(seconds <= target(stream) + 0.5))
        yield [`${stream.uri} ${uri}`, `${seconds} s, target ${target(stream)}`]
    }
  },
  'Apple 8.1: EXTINF is true to a frame in any sum': function* ({ streams }) {
    const frame =
      1 / Math.max(...streams.map(stream => (stream.track?.kind === 'video' ? frameRate(stream) : 1)))
    for (const { uri, segments } of streams) {
      let [drift, least, most] = [0, 0, 0]
      for (const { listedSeconds, seconds } of segments) {
        drift += listedSeconds - seconds
        ;[least, most] = [Math.min(least, drift), Math.max(most, drift)]
      }
      if (most - least > frame) yield [uri, `sums differ by ${(most - least).toFixed(3)} s`]
    }
  },
  'Apple 8.2: one target duration for all': function* ({ streams }) {
    const targets = new Set(streams.map(target))
    if (targets.size > 1) yield [MASTER, `target durations ${[...targets].join(', ')}`]
  },
  'Apple 8.6, 8.8: VOD, or EVENT while it grows': function* ({ streams }) {
    for (const stream of streams) {
      const type = tag(stream.lines, 'EXT-X-PLAYLIST-TYPE')
      if (type !== (hasEnded(stream) ? 'VOD' : 'EVENT')) yield [stream.uri, `has the type ${type}`]
    }
  },
  'Apple 8.9: sound is declared, and each variant has its group': function* ({ audio, variants }) {
    const groups = audio.map(({ attributes }) => attributes.get('GROUP-ID'))
    for (const { attributes, stream } of variants) {
      const group = attributes.get('AUDIO')
      if (audio.length > 0 || group !== undefined) {
        if (!groups.includes(group))
          yield [stream.uri, `has the audio group ${group} of ${groups.join(', ')}`]
      }
    }
  },
  'Apple 8.10: sound says its language': function* ({ audio }) {
    for (const { attributes, stream } of audio)
      if (!attributes.get('LANGUAGE')) yield [stream.uri, 'no LANGUAGE']
  },
  'Apple 8.20: EXT-X-MAP is there': function* ({ streams }) {
    for (const { uri, init, problem } of streams)
      if (init === null && problem === null) yield [uri, 'no EXT-X-MAP']
  },
  'Apple 8.22: boundaries agree': function* ({ streams }) {
    const [first, ...others] = streams.filter(({ track }) => track?.kind === 'video')
    for (const other of others) {
      const isSame = other.segments.length === first?.segments.length && agree(first, other, SAME_SECONDS)
      if (!isSame) yield [other.uri, `segments do not begin when those of ${first?.uri} do`]
    }
    for (const { track, ...sound } of streams) {
      if (track?.kind !== 'audio' || !first) continue
      const frames = 1 / frameRate(first) + 1024 / track.sampleRate + SAME_SECONDS
      if (!agree(first, sound, frames)) yield [sound.uri, `is more than two frames off ${first.uri}`]
    }
  },
  'Apple 9.1: CODECS are those of picture and sound': function* ({ audio, variants }) {
    for (const { attributes, stream } of variants) {
      const codecs = [stream, ...soundOf(audio, attributes)].flatMap(({ track }) => track?.codec ?? [])
      const declared = attributes.get('CODECS')
      if (declared !== [...new Set(codecs)].join(','))
        yield [stream.uri, `${declared} declared, ${codecs} found`]
    }
  },
  'Apple 9.2: RESOLUTION is as displayed': function* ({ variants }) {
    for (const { attributes, stream } of variants) {
      const { width, height } = stream.display
      const declared = attributes.get('RESOLUTION')
      if (declared !== `${width}x${height}`)
        yield [stream.uri, `${declared} declared, ${width}x${height} found`]
    }
  },
  'Apple 9.11, 9.12: EXT-X-INDEPENDENT-SEGMENTS': function* ({ lines, streams }) {
    for (const list of [{ uri: MASTER, lines }, ...streams]) {
      if (tag(list.lines, 'EXT-X-INDEPENDENT-SEGMENTS') === null) yield [list.uri, 'does not say it']
    }
  },
  'Apple 9.14: AVERAGE-BANDWIDTH is there': function* (presentation) {
    yield* missing(presentation, 'AVERAGE-BANDWIDTH')
  },
  'Apple 9.15: FRAME-RATE is there': function* (presentation) {
    yield* missing(presentation, 'FRAME-RATE')
  },
  'Apple 9.21: a variant of at most 192 kbit/s': function* ({ variants }) {
    const least = Math.min(...variants.map(({ attributes }) => Number(attributes.get('BANDWIDTH'))))
    if (!(least <= CELLULAR_BPS)) yield [MASTER, `the least has ${least} bit/s`]
  },
  'pgreel: URIs are relative, so that a signed prefix covers them': function* ({ lines, streams }) {
    // Of one's own attempt, or of another of the same video.
    for (const list of [{ uri: MASTER, lines }, ...streams]) {
      for (const uri of urisOf(list.lines))
        if (!/^(\.\.\/[0-9a-f-]{36}\/)?\w[\w.-]*(\/\w[\w.-]*)*$/.test(uri)) yield [list.uri, uri]
    }
  },
}

/** For the tests of the linter: each of them has to be seen firing. */
export const RULES = Object.keys(CHECKS)

const FIRST_RUNG_WAIVES = RULES.filter(rule =>
  // Growing lists are rendered with the address of the media; cuts lie where the source's keyframes
  // are, the sound's elsewhere; and a phone's rate varies.
  /^(pgreel|Apple (8\.2|8\.22|9\.21):|RFC (4\.3\.3\.4|4\.3\.4\.2):)/.test(rule),
)

function* allSegments(streams: Stream[]) {
  for (const stream of streams) for (const segment of stream.segments) yield [stream, segment] as const
}

function target({ lines }: Stream): number {
  return Number(tag(lines, 'EXT-X-TARGETDURATION'))
}

function hasEnded({ lines }: Stream): boolean {
  return tag(lines, 'EXT-X-ENDLIST') !== null
}

function frameRate({ segments }: Stream): number {
  return sum(segments, 'samples') / sum(segments, 'seconds')
}

function averageBps({ segments }: Pick<Stream, 'segments'>): number {
  return (sum(segments, 'bytes') * 8) / sum(segments, 'seconds')
}

/** RFC 4.1: of any contiguous segments that last between 0.5 and 1.5 targets; the whole when none do. */
function peakBps(stream: Stream): number {
  const { segments } = stream
  let peak = 0
  for (let first = 0; first < segments.length; first += 1) {
    for (let end = first + 1; end <= segments.length; end += 1) {
      const some = segments.slice(first, end)
      const targets = sum(some, 'seconds') / target(stream)
      if (targets > 1.5) break
      if (targets >= 0.5) peak = Math.max(peak, averageBps({ segments: some }))
    }
  }
  return peak > 0 ? peak : averageBps(stream)
}

/** A list that grows has estimates. */
function* differences({ audio, variants }: Presentation, name: string, measure: (stream: Stream) => number) {
  for (const { attributes, stream } of variants) {
    if (!hasEnded(stream) || stream.segments.length === 0) continue
    const sound = Math.max(0, ...soundOf(audio, attributes).map(measure))
    const [declared, measured] = [Number(attributes.get(name)), measure(stream) + sound]
    if (!(Math.abs(declared / measured - 1) <= TOLERANCE)) {
      yield [stream.uri, `${declared} declared, ${Math.round(measured)} measured`] as [string, string]
    }
  }
}

function* missing({ variants }: Presentation, name: string) {
  for (const { attributes, stream } of variants) {
    if (!attributes.has(name)) yield [stream.uri, `no ${name}`] as [string, string]
  }
}

function soundOf(audio: Presentation['audio'], variant: Attributes): Stream[] {
  return audio.flatMap(({ attributes, stream }) =>
    attributes.get('GROUP-ID') === variant.get('AUDIO') ? [stream] : [],
  )
}

/** As far as both go. */
function agree(a: Pick<Stream, 'segments'>, b: Pick<Stream, 'segments'>, seconds: number): boolean {
  return a.segments.every(({ startSeconds }, index) => {
    const other = b.segments[index]
    return !other || Math.abs(other.startSeconds - startSeconds) <= seconds
  })
}

function sum(segments: Stream['segments'], field: 'samples' | 'seconds' | 'bytes'): number {
  return segments.reduce((total, segment) => total + segment[field], 0)
}
