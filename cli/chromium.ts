// Finds the Chromium that the end-to-end tests drive, or installs Debian's.
import { existsSync } from 'node:fs'
import { canUseApt, installWithApt } from './apt.ts'
import { elapsed, type Say, Sentence } from './say.ts'
import { findOnPath } from './which.ts'

const places = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * CHROMIUM_PATH, a Chromium or Chrome on the PATH, or the one that apt-get installs.
 * @throws Sentence saying how to get one
 */
export async function ensureChromium(say: Say, signal: AbortSignal): Promise<string> {
  const found = findChromium()
  if (found) {
    say(`Chromium (${found})`)
    return found
  }
  const howTo = 'install Chromium or Chrome, or set CHROMIUM_PATH'
  if (!canUseApt()) throw new Sentence(`The end-to-end tests need a browser: ${howTo}.`)
  say('Installing Chromium with apt-get')
  const start = performance.now()
  // The font is a recommendation only, and without any a page is all empty boxes.
  await installWithApt(['chromium', 'fonts-dejavu-core'], signal)
  const installed = findChromium()
  if (!installed) throw new Sentence(`apt-get installed Chromium, but it is not on the PATH: ${howTo}.`)
  say(`Chromium installed in ${elapsed(start)}`)
  return installed
}

function findChromium(): string | null {
  const given = process.env.CHROMIUM_PATH
  if (given) return given
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  for (const name of names) {
    const file = findOnPath(name)
    if (file) return file
  }
  return places.find(existsSync) ?? null
}
