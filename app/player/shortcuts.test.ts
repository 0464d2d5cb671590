import { describe, expect, test } from 'vitest'
import { type Command, commandOf, keyName, type Layout, shortcutsOf } from './shortcuts.ts'

const press = (key: string, more: Partial<Parameters<typeof commandOf>[0]> = {}) => ({
  ...{ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false },
  ...more,
})

test.each<[string, Layout, Command | null]>([
  ['ArrowDown', 'feed', 'next'],
  ['j', 'feed', 'next'],
  ['ArrowUp', 'feed', 'previous'],
  ['k', 'feed', 'previous'],
  ['k', 'page', 'toggle'],
  ['j', 'page', null],
  [' ', 'feed', 'toggle'],
  ['M', 'feed', 'sound'],
  ['x', 'feed', null],
])('%j in the %s: %s', (key, layout, command) => {
  expect(commandOf(press(key), layout)).toBe(command)
})

test('keys with a modifier are the browser’s', () => {
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey', 'shiftKey']) {
    expect(commandOf(press('f', { [modifier]: true }), 'feed'), modifier).toBeNull()
  }
  expect(commandOf(press('?', { shiftKey: true }), 'feed')).toBe('help')
})

test('a key that is held down goes on through the videos, but does not flicker the sound', () => {
  expect(commandOf(press('j', { repeat: true }), 'feed')).toBe('next')
  expect(commandOf(press('m', { repeat: true }), 'feed')).toBeNull()
})

describe.each<Layout>(['feed', 'page'])('in the %s', layout => {
  test('no key does two things, and the help names each', () => {
    const keys = shortcutsOf(layout).flatMap(shortcut => shortcut.keys)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.map(keyName).every(name => name.trim().length > 0)).toBe(true)
    expect(keys.map(keyName)).toContain('Space')
  })
})
