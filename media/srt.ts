// Reads SubRip as FFmpeg and people write it: plain text between the lines that say when it is shown. Pure.
import type { Cue } from './webvtt.ts'

/** Also of WebVTT, which needs no hours and may say where a cue is shown. */
export const TIMES =
  /^\s*(?:(\d{1,4}):)?(\d\d?):(\d\d?)[,.](\d{1,3})\s*-->\s*(?:(\d{1,4}):)?(\d\d?):(\d\d?)[,.](\d{1,3})(?:\s.*)?$/

/** What it does not understand it leaves out: people wrote the text, and it may have been cut off. */
export function readSrt(srt: string): Cue[] {
  const cues: Cue[] = []
  let current: Cue | null = null
  for (const line of srt.split(/\r\n|[\r\n]/)) {
    const times = timesOf(line)
    if (times) {
      // The line before is this cue's number.
      if (current && /^\d+$/.test(current.lines.at(-1) ?? '')) current.lines.pop()
      current = { ...times, lines: [] }
      cues.push(current)
    } else if (line !== '') current?.lines.push(line)
  }
  return cues
}

/** @returns null where a line says no times */
export function timesOf(line: string): Omit<Cue, 'lines'> | null {
  const times = TIMES.exec(line)
  return times && { startSeconds: seconds(times, 1), endSeconds: seconds(times, 5) }
}

function seconds(times: RegExpExecArray, from: number): number {
  const [hours, minutes, whole, fraction = ''] = times.slice(from, from + 4)
  return (
    Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(whole) + Number(fraction.padEnd(3, '0')) / 1000
  )
}
