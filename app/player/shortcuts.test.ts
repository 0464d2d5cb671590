import { expect, test } from 'vitest'
import { type Command, commandOf, keyName, SHORTCUTS } from './shortcuts.ts'

const press = (key: string, more: Partial<Parameters<typeof commandOf>[0]> = {}) => ({
  ...{ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false },
  ...more,
})

test.each<[string, Command | null]>([
  ['ArrowDown', 'next'],
  ['j', 'next'],
  ['ArrowUp', 'previous'],
  ['k', 'previous'],
  [' ', 'toggle'],
  ['M', 'sound'],
  ['x', null],
])('%j: %s', (key, command) => {
  expect(commandOf(press(key))).toBe(command)
})

test('keys with a modifier are the browser’s', () => {
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey', 'shiftKey']) {
    expect(commandOf(press('f', { [modifier]: true })), modifier).toBeNull()
  }
  expect(commandOf(press('?', { shiftKey: true }))).toBe('help')
})

test('a key that is held down goes on through the videos, but does not flicker the sound', () => {
  expect(commandOf(press('j', { repeat: true }))).toBe('next')
  expect(commandOf(press('m', { repeat: true }))).toBeNull()
})

test('no key does two things, and the help names each', () => {
  const keys = SHORTCUTS.flatMap(shortcut => shortcut.keys)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys.map(keyName).every(name => name.trim().length > 0)).toBe(true)
  expect(keys.map(keyName)).toContain('Space')
})
