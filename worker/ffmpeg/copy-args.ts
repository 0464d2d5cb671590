// Options of FFmpeg's stream copy into HLS, for sources that judgeCopy lets pass.
import { segments } from './args.ts'
import type { Plan } from './plan.ts'

/**
 * Before the input: the first picture at 0, whatever edit lists and delays say. Left to itself FFmpeg
 * moves whatever begins first there (a track of text, too), and a picture that begins later gets an
 * empty edit, which Chromium ignores: it would be that much too early for its sound.
 */
export function copyInput({ startSeconds }: { startSeconds: number }): string[] {
  return ['-copyts', '-itsoffset', (-startSeconds).toFixed(6)]
}

/** Sound or picture into a folder, cut where keyframeSeconds said. */
export function copySegments(folder: string, plan: Pick<Plan, 'maxDurationSeconds'>): string[] {
  return [
    ...['-c', 'copy'],
    // First whatever cameras and programs write between the pictures goes (SEI, and units of no kind that
    // is specified): where, when and by what they were taken. None of it is needed to show them.
    // Then, where pictures are reordered the demuxer knows no durations and takes the average: with a varying
    // rate each segment would end somewhere else than the next one begins, and the muxer moves that one.
    // The last picture lasts as long as the one before it.
    ...['-bsf:v', `filter_units=remove_types=6|24-31,setts=pts=PTS:dts=DTS:duration=${LAST_OR_DIFFERENCE}`],
    // With an index in each segment the muxer puts the first picture where the one before it seemed to end.
    ...['-hls_segment_options', 'movflags=+skip_sidx'],
    ...segments(folder, plan),
  ]
}

// Commas of an expression are escaped in a list of filters.
const LAST_OR_DIFFERENCE = 'if(eq(NEXT_DTS,NOPTS),DTS-PREV_INDTS,NEXT_DTS-DTS)'.replaceAll(',', '\\,')
