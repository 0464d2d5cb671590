'use client'
// Does what the keys of a playing video say, while no element has a better use for them.
import { useEffect, useRef } from 'react'
import { type Command, commandOf } from '#app/player/shortcuts.ts'

/** @param commands keys of others are left alone: several parts of a page may each do what is theirs */
export function useShortcuts(commands: Partial<Record<Command, () => void>>): void {
  const latest = useRef(commands)
  latest.current = commands

  useEffect(() => {
    function obey(event: KeyboardEvent) {
      if (event.defaultPrevented || belongsToElement(event)) return
      const command = commandOf(event)
      const act = command && latest.current[command]
      if (!act) return
      event.preventDefault() // the browser's own scrolling would fight with the snap
      act()
    }
    window.addEventListener('keydown', obey)
    return () => window.removeEventListener('keydown', obey)
  }, [])
}

const OWN_KEYS = 'input:not([type="range"]), textarea, select, [contenteditable], [role="menu"]'
const PRESSED_BY_SPACE = 'button, a, summary'

/** Space presses what has the focus. The arrows are ours on the scrubber too: its own steps are too small. */
function belongsToElement({ key, target }: KeyboardEvent): boolean {
  if (document.querySelector('dialog:modal')) return true
  if (!(target instanceof Element)) return false
  return target.closest(key === ' ' ? `${PRESSED_BY_SPACE}, ${OWN_KEYS}` : OWN_KEYS) !== null
}
