// What a master playlist and all that it names say, beside what the bytes are. Reads playlists by its
// own means, so that it shares no mistake with media/playlist.ts. Judges nothing: see hls-linter.ts.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { readInitSegment, readMediaSegment, type Track } from '#media/bmff.ts'
import { BmffError, descend, only, splitBoxes } from '#media/bmff-boxes.ts'

/** Bytes of a URI, relative to the master playlist unless it is absolute. */
export type Fetch = (uri: string) => Promise<Buffer>

interface Segment {
  uri: string
  /** what the playlist says */
  listedSeconds: number
  bytes: number
  startTicks: number
  endTicks: number
  /** when its first picture or sound is presented */
  startSeconds: number
  seconds: number
  samples: number
  startsWithIdr: boolean | null
}

export interface Stream {
  uri: string
  lines: string[]
  /** null when it has no EXT-X-MAP */
  init: string | null
  track: Track | null
  /** as displayed; 0 × 0 for sound */
  display: { width: number; height: number }
  segments: Segment[]
  /** why a part of it could not be read */
  problem: string | null
}

export type Attributes = Map<string, string>

export interface Presentation {
  lines: string[]
  audio: { attributes: Attributes; stream: Stream }[]
  variants: { attributes: Attributes; stream: Stream }[]
  /** every media playlist once */
  streams: Stream[]
}

export function fetchFrom(folder: string): Fetch {
  return uri => readFile(path.join(folder, uri))
}

export async function readPresentation(fetch: Fetch, master: string): Promise<Presentation> {
  const lines = linesOf(await fetch(master))
  const streams = new Map<string, Stream>()
  const stream = async (uri = '') => {
    const read = streams.get(uri) ?? (await readStream(fetch, uri))
    streams.set(uri, read)
    return read
  }
  const [audio, variants]: Presentation['audio'][] = [[], []]
  for (const [index, line] of lines.entries()) {
    const [, tag, list = ''] = /^#EXT-X-(MEDIA|STREAM-INF):(.*)$/.exec(line) ?? []
    const attributes = readAttributes(list)
    if (tag === 'MEDIA') audio?.push({ attributes, stream: await stream(attributes.get('URI')) })
    if (tag === 'STREAM-INF') variants?.push({ attributes, stream: await stream(lines[index + 1]) })
  }
  return { lines, audio: audio ?? [], variants: variants ?? [], streams: [...streams.values()] }
}

export function tag(lines: string[], name: string): string | null {
  const line = lines.find(candidate => candidate === `#${name}` || candidate.startsWith(`#${name}:`))
  return line === undefined ? null : line.slice(name.length + 2)
}

/** Every URI of a playlist, whichever way it is written. */
export function urisOf(lines: string[]): string[] {
  return lines.flatMap(line =>
    line.startsWith('#') ? [...line.matchAll(/URI="([^"]*)"/g)].map(([, uri = '']) => uri) : [line],
  )
}

async function readStream(fetch: Fetch, uri: string): Promise<Stream> {
  const stream: Stream = {
    ...{ uri, lines: [], init: null, track: null, display: { width: 0, height: 0 } },
    ...{ segments: [], problem: null },
  }
  try {
    stream.lines = linesOf(await fetch(uri))
    stream.init = readAttributes(tag(stream.lines, 'EXT-X-MAP') ?? '').get('URI') ?? null
    if (stream.init === null) return stream
    const init = await fetch(resolve(uri, stream.init))
    const [track] = readInitSegment(init)
    if (!track) return stream
    stream.track = track
    stream.display = displaySize(init)
    let listedSeconds = 0
    for (const line of stream.lines) {
      listedSeconds = Number(/^#EXTINF:([\d.]+)/.exec(line)?.[1] ?? listedSeconds)
      if (line.startsWith('#')) continue
      stream.segments.push(measure(line, listedSeconds, await fetch(resolve(uri, line)), track))
    }
  } catch (error) {
    if (!(error instanceof BmffError || (error instanceof Error && 'code' in error))) throw error
    stream.problem = error.message
  }
  return stream
}

function measure(uri: string, listedSeconds: number, bytes: Buffer, track: Track): Segment {
  const fragments = readMediaSegment(bytes, [track])
  const startTicks = fragments[0]?.baseDecodeTicks ?? Number.NaN
  const sum = (field: 'durationTicks' | 'sampleCount') =>
    fragments.reduce((total, fragment) => total + fragment[field], 0)
  return {
    ...{ uri, listedSeconds, bytes: bytes.length, startTicks, endTicks: startTicks + sum('durationTicks') },
    startSeconds:
      (startTicks + firstOffset(bytes) - track.startTicks) / track.timescale + track.emptyEditSeconds,
    seconds: sum('durationTicks') / track.timescale,
    samples: sum('sampleCount'),
    startsWithIdr: fragments[0]?.startsWithIdr ?? null,
  }
}

/** How long after its decode time the first sample is presented (trun, ISO/IEC 14496-12 §8.8.8). */
function firstOffset(segment: Buffer): number {
  const moof = splitBoxes(segment).find(box => box.type === 'moof')
  const traf = moof && splitBoxes(descend(splitBoxes(moof.body), 'traf').body)
  const trun = traf?.find(box => box.type === 'trun')
  const flags = trun?.body.readUInt32BE(0) ?? 0
  if (!trun || !(flags & 0x800)) return 0
  // Four bytes each: before it come the box's own optional fields, then the sample's.
  const before = [0x01, 0x04, 0x100, 0x200, 0x400].filter(bit => flags & bit).length
  return trun.body.readInt32BE(8 + before * 4)
}

/** tkhd (ISO/IEC 14496-12 §8.3.2) ends with a matrix and the size after the shape of a pixel is applied. */
function displaySize(init: Buffer): Stream['display'] {
  const { body } = descend(splitBoxes(only(splitBoxes(init), 'moov').body), 'trak', 'tkhd')
  const fixed = (fromEnd: number) => body.readInt32BE(body.length - fromEnd) / 65_536
  const [width, height] = [fixed(8), fixed(4)]
  // The second number of the matrix turns the picture by 90° when it is not 0.
  return fixed(40) === 0 ? { width, height } : { width: height, height: width }
}

function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString()
    .split('\n')
    .filter(line => line !== '')
}

function readAttributes(list: string): Attributes {
  return new Map(
    [...list.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))/g)].map(([, name = '', quoted, plain]) => [
      name,
      quoted ?? plain ?? '',
    ]),
  )
}

function resolve(base: string, uri: string): string {
  return /^([a-z][a-z0-9+.-]*:|\/)/i.test(uri) ? uri : path.posix.join(path.posix.dirname(base), uri)
}
