'use client'
// A person's choice for the whole site, kept on this device: every part of the page sees it change, and
// so do other tabs. Must not know what is chosen.
import { useSyncExternalStore } from 'react'

export interface Remembered {
  /** '' before anything was chosen, and on the server */
  read(): string
  choose(value: string): void
  /** @returns no longer tells */
  subscribe(listener: () => void): () => void
}

/** @param storage called when needed: the server has none */
export function remembered(key: string, storage: () => Storage = () => localStorage): Remembered {
  const listeners = new Set<() => void>()
  // Where the browser keeps nothing, a choice holds until the page is left.
  let chosen: string | null = null

  return {
    read() {
      if (chosen !== null) return chosen
      try {
        return storage().getItem(key) ?? ''
      } catch {
        return '' // SecurityError: the person has switched storage off
      }
    },
    choose(value) {
      try {
        storage().setItem(key, value)
        chosen = null
      } catch {
        chosen = value // SecurityError, or QuotaExceededError
      }
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      window.addEventListener('storage', listener)
      return () => {
        listeners.delete(listener)
        window.removeEventListener('storage', listener)
      }
    },
  }
}

export function useRemembered({ subscribe, read }: Remembered): string {
  return useSyncExternalStore(subscribe, read, () => '')
}
