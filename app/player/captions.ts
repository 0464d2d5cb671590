'use client'
// Which captions are shown: one choice for the whole site, remembered on this device, none at first.
// The browser draws them: as people have set it to, and text is all that it can make of them.
import { useSyncExternalStore } from 'react'
import type { CaptionsJson } from '#app/video.ts'

const key = 'pgreel.captions'
const listeners = new Set<() => void>()
// Of a picture's shorter side, as browsers draw captions.
const LINE_SHARE = 0.06

/** What a choice is kept as. */
export function nameOf({ language, label }: CaptionsJson): string {
  return `${language ?? ''} ${label}`
}

/** The same as before, or at least of the same language. */
export function chosenOf(captions: CaptionsJson[], choice: string): CaptionsJson | null {
  return (
    captions.find(each => nameOf(each) === choice) ??
    captions.find(({ language }) => language !== null && choice.startsWith(`${language} `)) ??
    null
  )
}

/** A name, or '' for none. */
export function useCaptionsChoice(): string {
  return useSyncExternalStore(subscribe, readChoice, () => '')
}

export function chooseCaptions(name: string): void {
  localStorage.setItem(key, name)
  for (const listener of listeners) listener()
}

/**
 * @param belowPx what lies over the bottom of the picture: controls, a title
 * @returns takes them away again
 */
export function showCaptions(element: HTMLVideoElement, captions: CaptionsJson, belowPx: number): () => void {
  const track = document.createElement('track')
  const { url, language, label } = captions
  Object.assign(track, { kind: 'captions', src: url, srclang: language ?? '', label })
  track.addEventListener('load', () => {
    const { clientWidth, clientHeight } = element
    const lines = Math.ceil(belowPx / (Math.min(clientWidth, clientHeight) * LINE_SHARE))
    for (const cue of track.track.cues ?? []) if (cue instanceof VTTCue) cue.line = -1 - lines
    track.track.mode = 'showing'
  })
  element.append(track)
  // What is drawn already stays where it is.
  track.track.mode = 'hidden'
  return () => track.remove()
}

function readChoice(): string {
  return localStorage.getItem(key) ?? ''
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  // Another tab's choice counts here too.
  window.addEventListener('storage', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('storage', listener)
  }
}
