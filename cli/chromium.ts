// Finds the Chromium that the end-to-end tests drive, or installs Debian's.
import { existsSync } from 'node:fs'
import { findOnPath } from '#process/which.ts'
import { ensure } from './apt.ts'
import type { Say } from './say.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const places = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const chromium = {
  name: 'Chromium',
  // The font is a recommendation only, and without any a page is all empty boxes.
  packages: ['chromium', 'fonts-dejavu-core'],
  howTo: 'install Chromium or Chrome, or set CHROMIUM_PATH',
}

/**
 * CHROMIUM_PATH, a Chromium or Chrome on the PATH, or the one that apt-get installs.
 * @throws Sentence saying how to get one
 */
export async function ensureChromium(say: Say, signal: AbortSignal): Promise<string> {
  const file = await ensure(chromium, findChromium, say, signal)
  say(`Chromium (${file})`)
  return file
}

function findChromium(): string | null {
  const found = process.env.CHROMIUM_PATH || names.map(findOnPath).find(file => file !== null)
  return found ?? places.find(existsSync) ?? null
}
