// A published rung → which of its segments preview and storyboard are made of. Pure. Segments begin
// with an IDR, so that a still or a moment costs no more than its own segment.
import type { Tile } from '#media/webvtt.ts'

/** Part of every attempt's row: change it whenever the same rung would give other files. */
export const EXTRA_RECIPE = 'webp3x1s-sprite100-captions-3'

/** Larger ones are not published: a page of thumbnails must stay light. */
export const PREVIEW_MAX_BYTES = 300_000
const PREVIEW_SHORT_SIDE = 240
const PREVIEW_LONG_SIDE = 640
const PREVIEW_SECONDS = 3
// As the poster that a ladder makes.
const STILL_SHORT_SIDE = 720
// A video of at least this many whole segments is shown by three moments, a second each.
const SEGMENTS_FOR_MOMENTS = 4
// Neither the first second, which is often black, nor the credits.
const MOMENTS_AT = [0.15, 0.5, 0.85]
const MOMENT_SECONDS = 1

const MAX_TILES = 100
const COLUMNS = 10
const LEAST_INTERVAL_SECONDS = 2
const TILE = { long: 160, short: 90 }

export interface Size {
  width: number
  height: number
}

export interface PreviewQuality {
  /** libwebp's, 0 to 100 */
  quality: number
  fps: number
  /** of the planned size */
  scale: number
}

/** Tried in order until the file is small enough. */
export const PREVIEW_QUALITIES: PreviewQuality[] = [
  { quality: 60, fps: 10, scale: 1 },
  { quality: 30, fps: 10, scale: 1 },
  { quality: 20, fps: 8, scale: 2 / 3 },
]

export interface Moment {
  /** indexes of segments that follow on each other */
  segments: number[]
  seconds: number
}

export interface StoryboardPlan {
  /** index of the segment that begins with each tile's picture */
  segments: number[]
  tiles: Tile[]
  tile: Size
  columns: number
  rows: number
}

/** The least of the rungs that is not scaled up for a preview. */
export function chooseRung<Rung extends Size>(rungs: Rung[]): Rung | undefined {
  const bySize = rungs.toSorted((a, b) => shortSide(a) - shortSide(b))
  return bySize.find(rung => shortSide(rung) >= PREVIEW_SHORT_SIDE) ?? bySize.at(-1)
}

/** What a poster is made of, and as large as: the tallest rung that a phone shows whole. */
export function chooseStill<Stream extends StreamSize>(streams: Stream[]): (Stream & Size) | undefined {
  const rungs = streams
    .flatMap(({ width, height, ...rest }) =>
      rest.kind === 'video' && width && height ? [{ ...rest, width, height } as Stream & Size] : [],
    )
    .toSorted((a, b) => shortSide(b) - shortSide(a))
  return rungs.find(rung => shortSide(rung) <= STILL_SHORT_SIDE) ?? rungs.at(-1)
}

interface StreamSize {
  kind: string
  width: number | null
  height: number | null
}

/** Where the picture of a moment is; of one after the end, the last. */
export function placeOf(
  segments: { uri: string; durationSeconds: number }[],
  atSeconds: number,
  frameSeconds: number,
): { uri: string; offsetSeconds: number } {
  const starts = startsOf(segments.map(({ durationSeconds }) => durationSeconds))
  const index = Math.max(
    0,
    starts.findLastIndex(start => start <= atSeconds),
  )
  const { uri, durationSeconds } = segments[index] ?? { uri: '', durationSeconds: 0 }
  // Nothing is drawn of what begins after the last picture.
  const last = Math.max(0, durationSeconds - frameSeconds)
  return { uri, offsetSeconds: Math.min(last, Math.max(0, atSeconds - (starts[index] ?? 0))) }
}

/** Three moments spread over the video; of a short one its beginning. */
export function planMoments(durations: number[]): Moment[] {
  const whole = durations.filter(seconds => seconds >= MOMENT_SECONDS).length
  if (whole >= SEGMENTS_FOR_MOMENTS) {
    return MOMENTS_AT.map(share => ({ segments: [Math.floor(whole * share)], seconds: MOMENT_SECONDS }))
  }
  const starts = startsOf(durations)
  const segments = starts.flatMap((start, index) => (start < PREVIEW_SECONDS ? [index] : []))
  return [{ segments, seconds: PREVIEW_SECONDS }]
}

export function previewSize(rung: Size, scale: number): Size {
  const long = Math.max(rung.width, rung.height)
  return fit(rung, Math.min(1, PREVIEW_SHORT_SIDE / shortSide(rung), PREVIEW_LONG_SIDE / long) * scale)
}

/**
 * A tile for each interval of max(2 s, a hundredth): the first picture in it that a segment begins
 * with. Its cue starts with that picture and lasts to the next, so that none shows what is not there.
 */
export function planStoryboard(durations: number[], rung: Size): StoryboardPlan {
  const starts = startsOf(durations)
  const total = durations.reduce((sum, seconds) => sum + seconds, 0)
  const interval = Math.max(LEAST_INTERVAL_SECONDS, total / MAX_TILES)
  // A millisecond: segments of 29.97 frames a second begin a little beside the whole second.
  const intervalOf = (seconds: number) => Math.min(MAX_TILES - 1, Math.floor((seconds + 0.001) / interval))
  const segments = starts.flatMap((start, index) =>
    index === 0 || intervalOf(start) > intervalOf(starts[index - 1] ?? 0) ? [index] : [],
  )
  const [maxWidth, maxHeight] = rung.height > rung.width ? [TILE.short, TILE.long] : [TILE.long, TILE.short]
  const tile = fit(rung, Math.min(1, maxWidth / rung.width, maxHeight / rung.height))
  const columns = Math.min(COLUMNS, segments.length)
  const tiles = segments.map((segment, place) => ({
    startSeconds: starts[segment] ?? 0,
    endSeconds: starts[segments[place + 1] ?? -1] ?? total,
    x: (place % columns) * tile.width,
    y: Math.floor(place / columns) * tile.height,
    ...tile,
  }))
  return { segments, tiles, tile, columns, rows: Math.ceil(segments.length / columns) }
}

function startsOf(durations: number[]): number[] {
  let end = 0
  return durations.map(seconds => {
    end += seconds
    return end - seconds
  })
}

function shortSide({ width, height }: Size): number {
  return Math.min(width, height)
}

/** Even, for pictures that store colour for each second pixel. */
function fit({ width, height }: Size, scale: number): Size {
  const even = (side: number) => Math.max(2, Math.round((side * scale) / 2) * 2)
  return { width: even(width), height: even(height) }
}
