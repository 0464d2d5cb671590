// After a video is ready its moving preview and its storyboard come, and nobody who watches notices.
import { makeClip } from '#test/clips.ts'
import { upload } from './stack.ts'
import { expect, test } from './test.ts'

test('preview and storyboard come after ready, while the player plays on', async ({ page, stack, clips }) => {
  const clip = { width: 640, height: 360, seconds: 24 }
  const id = await upload(stack, await makeClip(clips, 'watched.mp4', clip))
  const playlists: string[] = []
  page.on('request', request => {
    if (request.url().endsWith('master.m3u8')) playlists.push(request.url())
  })
  await page.goto(`${stack.url}/v/${id}`)
  const player = page.locator('video')
  const currentTime = () => player.evaluate((video: HTMLVideoElement) => video.currentTime)
  await expect(player).toBeVisible({ timeout: 60_000 })
  await expect.poll(async () => (await stack.video(id)).status, { timeout: 60_000 }).toBe('ready')
  await expect.poll(currentTime).toBeGreaterThan(0.2)
  await player.evaluate((video: HTMLVideoElement) => {
    const disturbances = ['loadstart', 'emptied', 'waiting', 'stalled', 'pause', 'error']
    for (const name of disturbances) {
      video.addEventListener(name, () => {
        video.dataset.disturbed = `${video.dataset.disturbed ?? ''} ${name}`
      })
    }
    video.dataset.first = 'yes'
  })

  await expect.poll(async () => (await stack.video(id)).storyboardUrl, { timeout: 60_000 }).not.toBeNull()
  const video = await stack.video(id)
  expect(video).toMatchObject({ status: 'ready', playable: true })
  const published = await currentTime()
  await expect.poll(currentTime).toBeGreaterThan(published + 2)
  expect(await player.evaluate((element: HTMLVideoElement) => ({ ...element.dataset }))).toEqual({
    first: 'yes',
  })
  expect(playlists).toHaveLength(1)

  const get = async (url: string | null) => fetch(new URL(url ?? '', stack.url))
  const preview = await get(video.previewUrl)
  expect(preview.headers.get('Content-Type')).toBe('image/webp')
  expect((await preview.arrayBuffer()).byteLength).toBeLessThan(300_000)
  const storyboard = await get(video.storyboardUrl)
  expect(storyboard.headers.get('Content-Type')).toMatch(/^text\/vtt\b/)
  const [sprite] = /storyboard\.jpg(?=#xywh=0,0,160,90\n)/.exec(await storyboard.text()) ?? []
  const image = await fetch(new URL(sprite ?? '', storyboard.url))
  expect([image.status, image.headers.get('Content-Type')]).toEqual([200, 'image/jpeg'])

  // A browser takes both for what they are.
  const sizes = await page.evaluate(
    async urls => {
      const load = async (url: string) => {
        const shown = new Image()
        shown.src = url
        await shown.decode()
        return [shown.naturalWidth, shown.naturalHeight]
      }
      return Promise.all(urls.map(load))
    },
    [preview.url, image.url],
  )
  expect(sizes).toEqual([
    [426, 240],
    [1600, 180],
  ])
  const cues = await page.evaluate(async url => {
    const track = document.createElement('track')
    Object.assign(track, { src: url, kind: 'metadata' })
    document.createElement('video').append(track)
    track.track.mode = 'hidden'
    await new Promise(resolve => track.addEventListener('load', resolve))
    return [...(track.track.cues ?? [])].map(cue => [cue.startTime, cue.endTime])
  }, storyboard.url)
  expect(cues).toEqual(Array.from({ length: 12 }, (_, index) => [index * 2, index * 2 + 2]))
})
