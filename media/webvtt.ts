// Writes WebVTT (https://www.w3.org/TR/webvtt1/). Pure.
// Of a storyboard each cue names the rectangle of a sprite that shows its time, as a spatial media
// fragment (https://www.w3.org/TR/media-frags/); of captions it is text, and nothing else: no style, no tag.

export interface Tile {
  startSeconds: number
  endSeconds: number
  /** pixels from the sprite's left and upper edges */
  x: number
  y: number
  width: number
  height: number
}

/** @param sprite relative to the WebVTT, so that a signed or moved prefix covers both */
export function storyboardVtt(sprite: string, tiles: Tile[]): string {
  const cues = tiles.map(
    ({ startSeconds, endSeconds, x, y, width, height }) =>
      `${timestamp(startSeconds)} --> ${timestamp(endSeconds)}\n${sprite}#xywh=${x},${y},${width},${height}\n`,
  )
  return ['WEBVTT\n', ...cues].join('\n')
}

export interface Cue {
  startSeconds: number
  endSeconds: number
  lines: string[]
}

// Several are shown at a time; whoever writes more wants to cover the picture.
const MAX_LINES = 8
const MAX_LINE = 200
export const MAX_CUES = 20_000
// Control characters, and formatting that turns text around. Marks that right-to-left text needs stay.
const INVISIBLE = /[\p{Cc}\p{Cs}\u202a-\u202e]/gu

/** @returns null when no cue has anything to say */
export function captionsVtt(cues: Cue[]): string | null {
  const written = cues
    .filter(({ startSeconds, endSeconds }) => endSeconds > startSeconds)
    .map(cue => ({ ...cue, lines: cue.lines.map(cleanCueLine).filter(Boolean).slice(0, MAX_LINES) }))
    .filter(({ lines }) => lines.length > 0)
    // Starts must not go back.
    .toSorted((a, b) => a.startSeconds - b.startSeconds)
    .slice(0, MAX_CUES)
    .map(
      ({ startSeconds, endSeconds, lines }) =>
        `${timestamp(startSeconds)} --> ${timestamp(endSeconds)}\n${lines.join('\n')}\n`,
    )
  return written.length > 0 ? ['WEBVTT\n', ...written].join('\n') : null
}

/** Escaped, it cannot be a tag, a character reference or the arrow of a cue's times. */
function cleanCueLine(line: string): string {
  const text = line.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
  const clean = Array.from(text).slice(0, MAX_LINE).join('')
  return clean.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function timestamp(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000)
  const pad = (value: number, digits = 2) => String(Math.floor(value)).padStart(digits, '0')
  const [hours, minutes] = [milliseconds / 3_600_000, (milliseconds / 60_000) % 60]
  return `${pad(hours)}:${pad(minutes)}:${pad((milliseconds / 1000) % 60)}.${pad(milliseconds % 1000, 3)}`
}
