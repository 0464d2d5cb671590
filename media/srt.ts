// Reads SubRip as FFmpeg writes it: plain text between the lines that say when it is shown. Pure.
import type { Cue } from './webvtt.ts'

const TIMES = /^(\d+):(\d\d):(\d\d),(\d{3}) --> (\d+):(\d\d):(\d\d),(\d{3})\s*$/

/** What it does not understand it leaves out: people wrote the text, and it may have been cut off. */
export function readSrt(srt: string): Cue[] {
  const cues: Cue[] = []
  let current: Cue | null = null
  for (const line of srt.split(/\r\n|[\r\n]/)) {
    const times = TIMES.exec(line)
    if (times) {
      // The line before is this cue's number.
      if (current && /^\d+$/.test(current.lines.at(-1) ?? '')) current.lines.pop()
      current = { startSeconds: seconds(times, 1), endSeconds: seconds(times, 5), lines: [] }
      cues.push(current)
    } else if (line !== '') current?.lines.push(line)
  }
  return cues
}

function seconds(times: RegExpExecArray, from: number): number {
  const [hours = 0, minutes = 0, whole = 0, milliseconds = 0] = times.slice(from, from + 4).map(Number)
  return hours * 3600 + minutes * 60 + whole + milliseconds / 1000
}
