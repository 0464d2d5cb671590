// The keys of a playing video, in one table: what is done and what the help lists are the same. Pure.

export type Command =
  | 'next'
  | 'previous'
  | 'toggle'
  | 'back'
  | 'forward'
  | 'sound'
  | 'captions'
  | 'fullScreen'
  | 'like'
  | 'help'

interface Shortcut {
  command: Command
  /** as KeyboardEvent.key has them, letters in lower case */
  keys: string[]
  does: string
  /** holding the key down does it again and again */
  repeats?: boolean
}

export const SHORTCUTS: readonly Shortcut[] = [
  { command: 'next', keys: ['ArrowDown', 'j'], does: 'Next video', repeats: true },
  { command: 'previous', keys: ['ArrowUp', 'k'], does: 'Previous video', repeats: true },
  { command: 'toggle', keys: [' '], does: 'Play or pause' },
  { command: 'back', keys: ['ArrowLeft'], does: 'Back a little', repeats: true },
  { command: 'forward', keys: ['ArrowRight'], does: 'Forward a little', repeats: true },
  { command: 'sound', keys: ['m'], does: 'Sound on or off' },
  { command: 'captions', keys: ['c'], does: 'Captions on or off' },
  { command: 'fullScreen', keys: ['f'], does: 'Full screen' },
  { command: 'like', keys: ['l'], does: 'Like, or no longer' },
  { command: 'help', keys: ['?'], does: 'This list' },
]

const NAMES: Record<string, string> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
  ' ': 'Space',
}

/** What stands on a keyboard. */
export function keyName(key: string): string {
  return NAMES[key] ?? key
}

type Press = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'repeat'>

/** With a modifier a key belongs to the browser, except that some keyboards have the ? above another sign. */
export function commandOf(press: Press): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey || (press.shiftKey && press.key !== '?')) return null
  // With caps lock on, letters are capitals.
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key
  const shortcut = SHORTCUTS.find(({ keys }) => keys.includes(key))
  if (!shortcut || (press.repeat && !shortcut.repeats)) return null
  return shortcut.command
}
