// Every page in both colour schemes, as axe-core sees it: names, roles, order of headings, and contrast, which
// is all that differs in the dark.
// A new page is one more line of the table.

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Locator, Page } from 'playwright/test'
import { cutClip, readyVideo, waitingVideo } from '#test/growing.ts'
import { type Stack, storesOf } from './stack.ts'
import { expect, test } from './test.ts'

const FAILURE = 'This is not a video that can be read.'

interface PageToSee {
  name: string
  /** @returns the path, once there is what it shows */
  path: (stack: Stack, clips: string) => Promise<string>
  /** what is there when the page is */
  shows: (page: Page) => Locator
  /** so that nothing is left half done */
  leave?: (stack: Stack) => Promise<void>
}

// In this order: the first needs a library without any video.
const pages: PageToSee[] = [
  {
    name: 'the feed without a video',
    path: async () => '/',
    shows: page => page.getByRole('link', { name: /upload/i }).first(),
  },
  {
    name: 'the feed',
    async path(stack, clips) {
      await addReady(stack, clips)
      return '/'
    },
    shows: page => page.getByRole('article').first(),
  },
  {
    name: 'a video',
    path: async (stack, clips) => `/v/${await addReady(stack, clips)}`,
    shows: page => page.getByRole('heading', { name: 'A walk' }).first(),
  },
  {
    name: 'a video that is being made',
    path: async (stack, clips) => `/v/${await addWaiting(stack, clips)}`,
    shows: page => page.getByRole('heading', { name: 'On its way' }),
    leave: failAll,
  },
  {
    name: 'a video that failed',
    async path(stack, clips) {
      const id = await addWaiting(stack, clips)
      await failAll(stack)
      return `/v/${id}`
    },
    shows: page => page.getByText(FAILURE).first(),
  },
  {
    name: 'a video’s editing',
    path: async (stack, clips) => `/edit/${await addReady(stack, clips)}`,
    shows: page => page.getByRole('heading', { level: 1 }),
  },
  {
    name: 'a search',
    async path(stack, clips) {
      await addReady(stack, clips)
      return '/search?q=walk'
    },
    shows: page => page.getByRole('link', { name: 'A walk' }).first(),
  },
  {
    name: 'a search that finds nothing',
    path: async () => '/search?q=xylophone',
    shows: page => page.getByRole('status').first(),
  },
  {
    name: 'a tag without a video',
    path: async () => '/tags/nothing',
    shows: page => page.getByRole('heading', { name: '#nothing' }),
  },
  {
    name: 'the figures',
    async path(stack, clips) {
      const id = await addReady(stack, clips)
      await stack.query(
        `insert into playbacks (video_id, first_frame_ms, stalls, stalled_ms, watched_ms)
         values ($1, 90, 0, 0, 5000)`,
        [id],
      )
      return '/figures'
    },
    shows: page => page.getByRole('table', { name: 'In numbers' }),
  },
  { name: 'upload', path: async () => '/upload', shows: page => page.getByLabel('Choose videos') },
  {
    name: 'a page that does not exist',
    path: async () => '/nowhere',
    shows: page => page.getByRole('heading').first(),
  },
  {
    name: 'a video that does not exist',
    path: async () => `/v/${crypto.randomUUID()}`,
    shows: page => page.getByRole('heading').first(),
  },
]

const screens = [
  { name: 'phone', width: 390, height: 844 },
  { name: 'desktop', width: 1440, height: 900 },
]

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

for (const { name, path, shows, leave } of pages) {
  test(`nothing stands in anyone’s way: ${name}`, async ({ page, stack, clips }) => {
    await page.goto(stack.url + (await path(stack, clips)))
    await expect(shows(page)).toBeAttached()
    // By the debugger, which the page's policy for scripts does not bind.
    await page.evaluate(await axe)
    for (const { name: screen, ...size } of screens) {
      await page.setViewportSize(size)
      await page.emulateMedia({ colorScheme: 'light' })
      expect(await violations(page), `${screen}, light`).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await violations(page, ['color-contrast']), `${screen}, dark`).toEqual([])
    }
    await leave?.(stack)
  })
}

/**
 * @param rules all of them, where none is given
 * @returns one line for each rule that is broken, with where
 */
async function violations(page: Page, rules?: string[]): Promise<string[]> {
  const results = await page.evaluate(async rules => {
    // What is on its way from one colour to another has no contrast yet.
    const passing = document
      .getAnimations()
      .filter(({ effect }) => effect?.getTiming().iterations !== Infinity)
    await Promise.allSettled(passing.map(({ finished }) => finished))
    const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }
    return axe.run({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })
  }, rules)
  return results.violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' · ')}`,
  )
}

async function addReady(stack: Stack, clips: string): Promise<string> {
  return readyVideo(storesOf(stack), 'A walk', await cutClip(clips, 2))
}

async function addWaiting(stack: Stack, clips: string): Promise<string> {
  return waitingVideo(stack.query, 'On its way', await cutClip(clips, 2))
}

async function failAll({ query }: Stack): Promise<void> {
  await query(
    `update videos set status = 'failed', stage = 'failed', error_code = 'not_a_video', error_message = $1
     where status = 'processing'`,
    [FAILURE],
  )
}
