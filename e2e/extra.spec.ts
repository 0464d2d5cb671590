// After a video is ready its moving preview and its storyboard come, and nobody who watches notices.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { startBoss } from '#db/boss.ts'
import { makeClip } from '#test/clips.ts'
import { type Stack, settled, upload } from './stack.ts'
import { expect, test } from './test.ts'

test('preview and storyboard come after ready, while the player plays on', async ({ page, stack, clips }) => {
  const clip = { width: 640, height: 360, seconds: 12, options: ['-g', '60'] }
  const id = await upload(stack, await makeClip(clips, 'watched.mp4', clip))
  const letGo = await holdExtra(stack, id)
  await settled(stack, id)
  const playlists: string[] = []
  page.on('request', request => {
    // The feed warms the next videos as well.
    if (request.url().includes(id) && request.url().endsWith('master.m3u8')) playlists.push(request.url())
  })
  await page.goto(`${stack.url}/v/${id}`)
  const player = page.locator('[data-active] video')
  const currentTime = () => player.evaluate((video: HTMLVideoElement) => video.currentTime)
  await expect(player).toBeVisible({ timeout: 60_000 })
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

  await letGo()
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
    [960, 90],
  ])
  const cues = await page.evaluate(async url => {
    const track = document.createElement('track')
    Object.assign(track, { src: url, kind: 'metadata' })
    document.createElement('video').append(track)
    track.track.mode = 'hidden'
    await new Promise(resolve => track.addEventListener('load', resolve))
    return [...(track.track.cues ?? [])].map(cue => [cue.startTime, cue.endTime])
  }, storyboard.url)
  expect(cues).toEqual(Array.from({ length: 6 }, (_, index) => [index * 2, index * 2 + 2]))
})

test('captions are chosen by name, shown as text, and remembered', async ({ page, stack, clips }) => {
  const clip = await makeClip(clips, 'silent.mp4', { seconds: 6, hasAudio: false })
  const [text, source] = [path.join(clips, 'text.srt'), path.join(clips, 'captioned.mkv')]
  await writeFile(text, '1\n00:00:00,000 --> 00:00:06,000\n1 < 2 & 3\n')
  const maps = ['-map', '0', '-map', '1', '-c', 'copy', '-metadata:s:s:0', 'language=ger', source]
  await promisify(execFile)('ffmpeg', ['-v', 'error', '-i', clip, '-i', text, ...maps])
  const id = await upload(stack, source)
  await expect.poll(async () => (await stack.video(id)).captions.length, { timeout: 60_000 }).toBe(1)
  const [captions] = (await stack.video(id)).captions
  expect(captions).toMatchObject({ language: 'de', label: 'German' })
  const answer = await fetch(new URL(captions?.url ?? '', stack.url))
  expect(answer.headers.get('Content-Type')).toMatch(/^text\/vtt\b/)

  await page.goto(`${stack.url}/v/${id}`)
  const choose = async (name: string) => {
    await page.getByRole('button', { name: 'Captions' }).click()
    await page.getByRole('menuitemradio', { name }).click()
  }
  const shown = () =>
    page.locator('[data-active] video').evaluate((video: HTMLVideoElement) =>
      [...video.textTracks]
        .filter(({ mode }) => mode === 'showing')
        .flatMap(({ activeCues, language }) =>
          // Their place is counted in lines from below: our controls are there.
          [...(activeCues ?? [])].flatMap(cue =>
            cue instanceof VTTCue && Number(cue.line) < -1 ? [[language, cue.text]] : [],
          ),
        ),
    )
  await expect(page.getByRole('button', { name: 'Captions' })).toBeVisible({ timeout: 60_000 })
  expect(await shown()).toEqual([])
  await choose('German')
  const cue = ['de', '1 &lt; 2 &amp; 3']
  await expect.poll(shown).toEqual([cue])
  await page.reload()
  await expect.poll(shown, { timeout: 60_000 }).toEqual([cue])
  await choose('Off')
  await expect.poll(shown).toEqual([])
})

/** Its job is there before the ladder sends it, and waits. @returns lets it begin */
async function holdExtra({ databaseUrl, query }: Stack, videoId: string): Promise<() => Promise<unknown>> {
  const boss = await startBoss({ url: databaseUrl, name: 'pgreel-e2e', works: false, onError: () => {} })
  await boss.send('extra', { videoId }, { singletonKey: videoId, startAfter: 3600 })
  await boss.stop({ graceful: false })
  return () =>
    query(`update pgboss.job set start_after = now() where name = 'extra' and singleton_key = $1`, [videoId])
}
