'use client'
// Whether videos are heard: one choice for the whole site, remembered on this device, silent at first.
import { useSyncExternalStore } from 'react'
import { remembered } from '#app/remembered.ts'

const choice = remembered('pgreel.sound')
const blockListeners = new Set<() => void>()

/** The browser refused sound before the first gesture: the person's choice stands, but has to wait. */
let isBlocked = false

export function useSoundOn(): boolean {
  return useSyncExternalStore(onSoundChange, isSoundOn, () => false)
}

/** @returns whether it is on now */
export function toggleSound(): boolean {
  const turnsOn = !isSoundOn()
  setBlocked(false)
  choice.choose(turnsOn ? 'on' : 'off')
  return turnsOn
}

/** Call when play() was refused with sound on: plays on in silence until the person does something. */
export function blockSound(): void {
  if (isBlocked) return
  setBlocked(true)
  // The ends of gestures, not their beginnings, so that a press of the sound button itself, which
  // toggles on click or keydown, has had its say first.
  const unblock = () => {
    window.removeEventListener('click', unblock)
    window.removeEventListener('keyup', unblock)
    setBlocked(false)
  }
  window.addEventListener('click', unblock)
  window.addEventListener('keyup', unblock)
}

function isSoundOn(): boolean {
  return !isBlocked && choice.read() === 'on'
}

function setBlocked(value: boolean) {
  isBlocked = value
  for (const listener of blockListeners) listener()
}

/** Called within the gesture, if one it was. @returns no longer tells */
export function onSoundChange(listener: () => void): () => void {
  blockListeners.add(listener)
  const unsubscribe = choice.subscribe(listener)
  return () => {
    blockListeners.delete(listener)
    unsubscribe()
  }
}
