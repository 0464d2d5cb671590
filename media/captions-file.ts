// A person's file of captions, WebVTT or SubRip, read as plain text and written anew as WebVTT. Pure.
// Of what they can look like nothing is kept: times and text, and no tag, style, place or link.
import { readSrt, TIMES, timesOf } from './srt.ts'
import { type Cue, captionsVtt, MAX_CUES } from './webvtt.ts'

/** What is said in a long film is a tenth of it. */
export const MAX_CAPTIONS_BYTES = 1_000_000

export type CaptionsFile = { vtt: string } | { refusal: string }

export function readCaptionsFile(bytes: Uint8Array): CaptionsFile {
  const text = decode(bytes)
  if (text === null) return { refusal: 'This file is not text in UTF-8: save it anew with that encoding.' }
  const isVtt = /^WEBVTT(?:[ \t\r\n]|$)/.test(text)
  const cues = isVtt ? readVtt(text) : readSrt(text)
  if (cues.length > MAX_CUES) return { refusal: `This file has more than ${MAX_CUES} captions.` }
  const vtt = captionsVtt(cues.map(isVtt ? plainVtt : plainSrt))
  return vtt === null
    ? { refusal: 'There are no captions in this file: choose a WebVTT (.vtt) or SubRip (.srt) file.' }
    : { vtt }
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

/** Blocks between empty lines; those without times are notes, styles and regions. */
function readVtt(text: string): Cue[] {
  return text.split(/(?:\r\n|[\r\n]){2,}/).flatMap(block => {
    const lines = block.split(/\r\n|[\r\n]/)
    // An identifier may stand before it.
    const at = lines.findIndex((line, index) => index < 2 && TIMES.test(line))
    const times = timesOf(lines[at] ?? '')
    return times ? [{ ...times, lines: lines.slice(at + 1) }] : []
  })
}

// https://www.w3.org/TR/webvtt1/#webvtt-cue-text: what marks a part of the text, and what stands for a character.
const VTT_TAG = /<\/?(?:(?:c|i|b|u|v|ruby|rt|lang)(?:[.\s][^<>]*)?|[\d:.]+)?>/g
const VTT_NAMED: Record<string, string> = {
  ...{ amp: '&', lt: '<', gt: '>', nbsp: '\u00a0', lrm: '\u200e', rlm: '\u200f' },
}

function plainVtt(cue: Cue): Cue {
  const plain = (line: string) =>
    line.replace(VTT_TAG, '').replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (all, name) => VTT_NAMED[name] ?? all)
  return { ...cue, lines: cue.lines.map(plain) }
}

// What players of SubRip understand; whatever else looks like a tag is text.
const SRT_STYLE = /<\/?(?:i|b|u|s|font)(?:\s[^<>]*)?>|\{\\[^{}]*\}/gi

function plainSrt(cue: Cue): Cue {
  return { ...cue, lines: cue.lines.map(line => line.replace(SRT_STYLE, '')) }
}
