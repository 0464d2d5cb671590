// The test function of every story: `stack` is a running pgreel with one worker (`test.use({ workers: 0 })`
// for none), shared by the tests of a file and looked over after each; `clips` is a folder of generated videos.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base, expect, type Locator, type Page } from 'playwright/test'
import { expectNothingLeftBehind, type Stack, startStack } from './stack.ts'

export { expect } from 'playwright/test'

export const test = base.extend<{ lookedOver: undefined }, { workers: number; stack: Stack; clips: string }>({
  workers: [1, { option: true, scope: 'worker' }],
  stack: [
    async ({ workers }, use) => {
      const stack = await startStack({ workers })
      await use(stack)
      await stack.stop()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  // Whatever a story does, no page breaks the rules for what it may load and run.
  page: async ({ page }, use) => {
    const broken: string[] = []
    await page.exposeFunction('noteBrokenPolicy', (what: string) => void broken.push(what))
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) =>
        Reflect.get(window, 'noteBrokenPolicy')(`${effectiveDirective}: ${blockedURI} in ${sourceFile}`),
      )
    })
    await use(page)
    expect(broken, 'what the Content-Security-Policy forbade').toEqual([])
  },
  clips: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
    async ({}, use) => {
      const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-clips-'))
      await use(folder)
      await rm(folder, { recursive: true, force: true })
    },
    { scope: 'worker' },
  ],
  lookedOver: [
    async ({ stack }, use) => {
      await use(undefined)
      await expectNothingLeftBehind(stack)
    },
    { auto: true },
  ],
})

/** As a person can: not before the page has come to life and the input is enabled. */
export async function chooseFiles(page: Page, files: Parameters<Locator['setInputFiles']>[0]): Promise<void> {
  const input = page.getByLabel('Choose videos')
  await expect(input).toBeEnabled()
  await input.setInputFiles(files)
}
