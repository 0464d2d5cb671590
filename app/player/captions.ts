'use client'
// Which captions are shown: one choice for the whole site, remembered on this device, none at first.
// The browser draws them: as people have set it to, and text is all that it can make of them.
import { remembered, useRemembered } from '#app/remembered.ts'
import type { CaptionsJson } from '#app/video.ts'

const choice = remembered('pgreel.captions')
// Of a picture's shorter side, as browsers draw captions; a character is half as wide as it is high.
const LINE_SHARE = 0.06
const CHARACTER_SHARE = LINE_SHARE / 1.2 / 2

/** What a choice is kept as. */
export function nameOf({ language, label }: CaptionsJson): string {
  return `${language ?? ''} ${label}`
}

/** The same as before, or at least of the same language. */
export function chosenOf(captions: CaptionsJson[], name: string): CaptionsJson | null {
  return (
    captions.find(each => nameOf(each) === name) ??
    captions.find(({ language }) => language !== null && name.startsWith(`${language} `)) ??
    null
  )
}

/** What one press turns on: those of the first of these languages, or the first there are. */
export function likeliestOf(captions: CaptionsJson[], languages: readonly string[]): CaptionsJson | null {
  const primary = (tag: string) => tag.split('-')[0]
  for (const wanted of languages) {
    const found = captions.find(({ language }) => language && primary(language) === primary(wanted))
    if (found) return found
  }
  return captions[0] ?? null
}

/** A name, or '' for none. */
export function useCaptionsChoice(): string {
  return useRemembered(choice)
}

export function chooseCaptions(name: string): void {
  choice.choose(name)
}

/** What lies over the picture: controls and a title along its bottom, buttons along its side. */
export interface Covered {
  belowPx: number
  besidePx: number
}

/** @returns takes them away again */
export function showCaptions(
  element: HTMLVideoElement,
  captions: CaptionsJson,
  { belowPx, besidePx }: Covered,
): () => void {
  const track = document.createElement('track')
  const { url, language, label } = captions
  Object.assign(track, { kind: 'captions', src: url, srclang: language ?? '', label })
  track.addEventListener('load', () => {
    const { clientWidth, clientHeight } = element
    const side = Math.min(clientWidth, clientHeight)
    const below = Math.ceil(belowPx / (side * LINE_SHARE))
    // A cue's line is that of its first row.
    const width = clientWidth - 2 * besidePx // centred
    const perRow = width / (side * CHARACTER_SHARE)
    for (const cue of track.track.cues ?? []) {
      if (!(cue instanceof VTTCue)) continue
      cue.line = -below - rowsOf(cue, perRow)
      cue.size = Math.min(cue.size, (100 * width) / clientWidth)
    }
    track.track.mode = 'showing'
  })
  element.append(track)
  // What is drawn already stays where it is.
  track.track.mode = 'hidden'
  return () => track.remove()
}

/** How many it will be broken into, about: what the browser does is not told. */
function rowsOf(cue: VTTCue, perRow: number): number {
  const rows = cue.getCueAsHTML().textContent.split('\n')
  return rows.reduce((sum, { length }) => sum + Math.max(1, Math.ceil(length / perRow)), 0)
}
