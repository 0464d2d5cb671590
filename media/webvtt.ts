// Writes a storyboard's WebVTT (https://www.w3.org/TR/webvtt1/): each cue names the rectangle of a
// sprite that shows its time, as a spatial media fragment (https://www.w3.org/TR/media-frags/). Pure.

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

function timestamp(seconds: number): string {
  const milliseconds = Math.round(seconds * 1000)
  const pad = (value: number, digits = 2) => String(Math.floor(value)).padStart(digits, '0')
  const [hours, minutes] = [milliseconds / 3_600_000, (milliseconds / 60_000) % 60]
  return `${pad(hours)}:${pad(minutes)}:${pad((milliseconds / 1000) % 60)}.${pad(milliseconds % 1000, 3)}`
}
