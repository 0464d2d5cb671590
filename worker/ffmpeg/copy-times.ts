// When the pictures of a source are shown, and where it can be cut into segments: from its sample
// table and edit list alone. FFmpeg's HLS muxer cuts at the same places (copy.test.ts compares).
import type { Edit } from '#media/movie.ts'
import type { SampleTable } from '#media/sample-table.ts'
import { demand, Refusal } from './copy-refusal.ts'
import { SEGMENT_SECONDS } from './plan.ts'

const MAX_SEGMENT_SECONDS = 4
const MAX_FPS = 61
// Phones leave pictures out and are late with some; they do not make a quarter more than 60 in any second.
const MAX_IN_A_SECOND = 75
const MAX_PICTURE_SECONDS = 1
// Sixteen reference pictures at 16 a second; real encoders reorder by four at most.
const MAX_REORDER_SECONDS = 1

export interface Timeline {
  /** index of the first sample that is shown; a sync sample */
  first: number
  /** when it is shown, in the file's own time: edits and delays counted */
  startSeconds: number
}

/**
 * Where the edit list lets the picture begin: after nothing at all (an empty edit), at most, and then
 * one edit from a sync sample to the end. Else a copy would show what was cut away.
 * @throws Refusal
 */
export function readTimeline(
  table: SampleTable,
  edits: Edit[],
  timescale: number,
  movieTimescale: number,
): Timeline {
  const { syncs, presentTicks, decodeTicks } = table
  const { emptySeconds, edit } = onlyEdit(edits, movieTimescale)
  const at = edit?.mediaTime ?? presentTicks[0] ?? 0
  const shown = (sync: number) => presentTicks[sync] ?? 0
  const lasts = (sync: number) => (decodeTicks[sync + 1] ?? 0) - (decodeTicks[sync] ?? 0)
  // The first: also where the edit begins before it (a delay that is not skipped).
  const first = syncs.find(sync => at < shown(sync) + lasts(sync)) ?? -1
  demand(first === 0 || (first > 0 && at >= shown(first)), 'edit list', 'it does not start on a sync sample')
  if (edit && edit.duration > 0) {
    const end = at + (edit.duration / movieTimescale) * timescale
    const last = presentTicks.reduce((latest, ticks) => Math.max(latest, ticks), 0)
    demand(last < end, 'edit list', 'it leaves out pictures at the end')
  }
  const startTicks = edit ? shown(first) - at : shown(first)
  return { first, startSeconds: emptySeconds + startTicks / timescale }
}

/** @throws Refusal */
export function onlyEdit(
  edits: Edit[],
  movieTimescale: number,
): { emptySeconds: number; edit: Edit | undefined } {
  const [leading] = edits
  const empty = leading?.mediaTime === -1 ? leading : undefined
  const rest = empty ? edits.slice(1) : edits
  const [edit, another] = rest
  demand(!another && (!empty || edit !== undefined), 'edit list', `it has ${edits.length} entries`)
  demand(!edit || (edit.mediaTime >= 0 && edit.rate === 1), 'edit list', 'it is no plain beginning')
  return { emptySeconds: empty ? empty.duration / movieTimescale : 0, edit }
}

export interface Cut {
  keyframeSeconds: number[]
  segments: { durationSeconds: number; bytes: number }[]
  durationSeconds: number
}

/**
 * Cuts at the first sync sample at or after each multiple of the segment's length, as `-hls_time` does.
 * @throws Refusal
 */
export function cutAtKeyframes(table: SampleTable, { first }: Timeline, timescale: number): Cut {
  const { count, syncs, presentTicks, decodeTicks, sizes } = table
  const present = (sample: number) => presentTicks[sample] ?? 0
  const keyframes = syncs.filter(sync => sync >= first)
  const starts: number[] = []
  for (const sync of keyframes) {
    if (present(sync) - present(first) >= starts.length * SEGMENT_SECONDS * timescale) starts.push(sync)
  }
  const endTicks = present(first) + (decodeTicks[count] ?? 0) - (decodeTicks[first] ?? 0)
  const segments = starts.map((start, index) => {
    const next = starts[index + 1]
    const durationSeconds = ((next === undefined ? endTicks : present(next)) - present(start)) / timescale
    demand(
      durationSeconds <= MAX_SEGMENT_SECONDS,
      'sparse keyframes',
      `a segment would last ${durationSeconds.toFixed(1)} s`,
    )
    return { durationSeconds, bytes: sizes.subarray(start, next).reduce((sum, size) => sum + size, 0) }
  })
  return {
    keyframeSeconds: Array.from(keyframes, sync => (present(sync) - present(first)) / timescale),
    segments,
    durationSeconds: (endTicks - present(first)) / timescale,
  }
}

/**
 * Closed groups of pictures, one after the other, with pictures that are decoded before they are shown.
 * @throws Refusal
 */
export function requireOrder(table: SampleTable, timescale: number): void {
  const { count, syncs, presentTicks, decodeTicks } = table
  const most = MAX_REORDER_SECONDS * timescale
  const delay = presentTicks[0] ?? 0
  let sync = 0
  let groupStart = -Infinity
  let latest = -Infinity
  for (let sample = 0; sample < count; sample++) {
    const present = presentTicks[sample] ?? 0
    const decode = decodeTicks[sample] ?? 0
    const ticks = (decodeTicks[sample + 1] ?? 0) - decode
    if (ticks <= 0) throw new Refusal('odd timestamps', `sample ${sample} lasts ${ticks} ticks`)
    const away = present - decode - delay
    if (Math.abs(away) > most) {
      throw new Refusal('odd timestamps', `sample ${sample} is shown ${away} ticks from its place`)
    }
    if (sample === syncs[sync]) {
      if (present <= latest) {
        throw new Refusal('odd timestamps', `pictures before keyframe ${sample} are shown after it`)
      }
      groupStart = present
      sync++
    }
    if (present < groupStart) throw new Refusal('open GOP', `sample ${sample} is shown before its keyframe`)
    latest = Math.max(latest, present)
  }
}

/**
 * What is called wild: more than 61 pictures a second on average, more than 75 within some second,
 * one that stays for more than a second. A phone's rate that varies is not.
 * @throws Refusal
 */
export function requireSteadyRate(table: SampleTable, { first }: Timeline, timescale: number): void {
  const shown = table.presentTicks.slice(first).sort()
  const count = shown.length
  demand(count > 1, 'odd timestamps', 'there is one picture only')
  const ticks = (table.decodeTicks[table.count] ?? 0) - (table.decodeTicks[first] ?? 0)
  const fps = (count * timescale) / ticks
  demand(fps <= MAX_FPS, 'wild rate', `${fps.toFixed(1)} pictures a second`)
  for (let index = 0; index + 1 < count; index++) {
    const now = shown[index] ?? 0
    const stays = (shown[index + 1] ?? 0) - now
    if (stays <= 0) throw new Refusal('odd timestamps', 'two pictures are shown at the same time')
    if (stays > MAX_PICTURE_SECONDS * timescale) {
      throw new Refusal('wild rate', `${(stays / timescale).toFixed(1)} s without a new picture`)
    }
    if ((shown[index + MAX_IN_A_SECOND] ?? Infinity) - now < timescale) {
      throw new Refusal('wild rate', `more than ${MAX_IN_A_SECOND} pictures within a second`)
    }
  }
}
