// What an uploader is told of the time: what has been, and how long the rest will take.
import { makeClip } from '#test/clips.ts'
import { chooseFiles, expect, test } from './test.ts'

// Long enough to be looked at: noise is slow to encode.
const SLOW = { width: 320, height: 180, seconds: 8, options: ['-vf', 'noise=alls=40:allf=t'] }
const READY = { timeout: 90_000 }

test.describe.configure({ timeout: 240_000 })

test('who uploaded a video sees what it has come past and when; nobody else does', async ({
  page,
  browser,
  stack,
  clips,
}) => {
  await page.goto(`${stack.url}/upload`)
  await chooseFiles(page, await makeClip(clips, 'own.mp4', SLOW))
  await page.getByRole('link', { name: /^Watch it now.*Own$/ }).click({ timeout: 60_000 })
  await expect(page).toHaveURL(/\/v\//)
  // A browser that draws without a graphics card leaves a ladder little to work with.
  await page.getByRole('button', { name: 'Pause' }).click()
  const id = page.url().split('/').at(-1) ?? ''
  await page.getByRole('button', { name: 'Details' }).click()
  const list = page.getByRole('list', { name: 'What happened to this video' })
  // Unfolded as long as something is still to come, and kept current.
  await expect(list.getByRole('listitem')).toContainText(['Received', 'Picked up', 'Looked at', 'Playable'])
  await expect(list.getByText('Ready', { exact: true })).toBeVisible(READY)
  expect(await list.getByRole('listitem').locator('span:first-child').allTextContents()).toEqual([
    ...['Received', 'Picked up', 'Looked at', 'Playable'],
    ...['Full quality begun', 'Encoded', 'Checked', 'Ready'],
  ])
  const told: { at: string }[] = await (await fetch(`${stack.url}/api/videos/${id}/events`)).json()
  const times = await list.locator('time').evaluateAll(all => all.map(time => time.getAttribute('datetime')))
  expect(times).toEqual(told.filter((_, index) => index !== 1).map(({ at }) => at))
  expect(times).toEqual(times.toSorted())

  await page.reload()
  await page.getByRole('button', { name: 'Details' }).click()
  const short = page.locator('summary')
  await expect(short).toHaveText(/^Received \d\d:\d\d:\d\d\s· Playable after [\d.]+ s\s· Ready after \d/)
  await expect(list).toBeHidden()
  await short.press('Enter')
  await expect(list).toBeVisible()

  const stranger = await browser.newPage()
  const asked: string[] = []
  stranger.on('request', request => asked.push(new URL(request.url()).pathname))
  await stranger.goto(page.url())
  await expect(stranger.getByRole('heading', { name: 'Own' })).toBeVisible()
  await expect(stranger.locator('[data-active] video')).toBeVisible()
  await stranger.getByRole('button', { name: 'Details' }).click()
  await expect(stranger.getByText(/Received/)).toHaveCount(0)
  expect(asked).not.toContain(`/api/videos/${id}/events`)
  await stranger.close()
})
