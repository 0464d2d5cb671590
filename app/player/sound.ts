'use client'
// Whether videos are heard: one choice for the whole site, remembered on this device, silent at first.
import { useSyncExternalStore } from 'react'

const key = 'pgreel.sound'
const listeners = new Set<() => void>()

/** The browser refused sound before the first gesture: the person's choice stands, but has to wait. */
let isBlocked = false

export function useSoundOn(): boolean {
  return useSyncExternalStore(subscribe, isSoundOn, () => false)
}

export function toggleSound(): void {
  localStorage.setItem(key, isSoundOn() ? 'off' : 'on')
  isBlocked = false
  tellAll()
}

/** Call when play() was refused with sound on: plays on in silence until the person does something. */
export function blockSound(): void {
  if (isBlocked) return
  isBlocked = true
  tellAll()
  // The ends of gestures, not their beginnings, so that a press of the sound button itself, which
  // toggles on click or keydown, has had its say first.
  const unblock = () => {
    window.removeEventListener('click', unblock)
    window.removeEventListener('keyup', unblock)
    isBlocked = false
    tellAll()
  }
  window.addEventListener('click', unblock)
  window.addEventListener('keyup', unblock)
}

function isSoundOn(): boolean {
  return !isBlocked && localStorage.getItem(key) === 'on'
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

function tellAll() {
  for (const listener of listeners) listener()
}
