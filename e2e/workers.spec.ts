// Workers die, stop, are missing or many: no video is lost, none is made twice.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test as base, expect } from 'playwright/test'
import { makeClip } from '#test/clips.ts'
import { expectNothingLeftBehind, ffmpegsOf, type Stack, settled, startStack, upload } from './stack.ts'
import { chooseFiles } from './test.ts'

// Each test has its own pgreel: what one does to its workers is nobody else's. Mostly they wait for a
// death to be noticed, so two at a time.
base.describe.configure({ mode: 'parallel' })
const test = base.extend<{
  startOwn: (workers: number, env?: Record<string, string>, isEmpty?: boolean) => Promise<Stack>
  clips: string
}>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  startOwn: async ({}, use) => {
    const stacks: Stack[] = []
    await use(async (workers, env = {}, isEmpty = false) => {
      const stack = await startStack({ workers, env, isEmpty })
      stacks.push(stack)
      return stack
    })
    for (const stack of stacks) await stack.stop()
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  clips: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-clips-'))
    await use(folder)
    await rm(folder, { recursive: true, force: true })
  },
})

const SLOW = { seconds: 8, options: ['-g', '60'] }

/** A worker's settings with an FFmpeg that makes ladders at the speed of the video: no test comes too late. */
async function slowLadders(clips: string): Promise<Record<string, string>> {
  const file = path.join(clips, 'ffmpeg')
  const script = '#!/bin/sh\ncase "$*" in *low/ffmpeg.m3u8*) set -- -re "$@";; esac\nexec ffmpeg "$@"\n'
  await writeFile(file, script, { mode: 0o755 })
  return { LADDER: '240', FFMPEG_PATH: file }
}

async function ladderOutcomes(stack: Stack, id: string): Promise<string[]> {
  const rows = await stack.query<{ outcome: string }>(
    `select outcome from attempts where video_id = $1 and kind = 'ladder' order by started_at`,
    [id],
  )
  return rows.map(row => row.outcome)
}

async function inMidEncode(stack: Stack, id: string): Promise<void> {
  await expect
    .poll(
      async () => {
        const first = `select outcome from attempts where video_id = $1 and kind = 'first'`
        return [(await stack.video(id)).stage, ...(await stack.query(first, [id]))]
      },
      { timeout: 60_000, intervals: [50] },
    )
    .toEqual(['encoding', { outcome: 'won' }])
}

test('a worker killed in mid-encode: another finishes, ready exactly once, nothing left over', async ({
  startOwn,
  clips,
}) => {
  const stack = await startOwn(1, await slowLadders(clips))
  const id = await upload(stack, await makeClip(clips, 'slow.mp4', SLOW))
  await inMidEncode(stack, id)
  await stack.workers[0]?.kill('SIGKILL')
  await expect.poll(() => ffmpegsOf(stack), { message: 'FFmpeg outlives its worker' }).toEqual([])
  await stack.startWorker()
  expect(await settled(stack, id)).toMatchObject({ status: 'ready', error: null })
  expect(await ladderOutcomes(stack, id)).toEqual(['crashed', 'won'])
  const ready = await stack.query(`select 1 from events where video_id = $1 and stage = 'ready'`, [id])
  expect(ready).toHaveLength(1)
  await expectNothingLeftBehind(stack)
  // The first rung's, the ladder's and, after it, the extra's.
  const publications = await stack.query('select seq from publications where video_id = $1 order by seq', [
    id,
  ])
  expect(publications).toEqual([{ seq: 1 }, { seq: 2 }, { seq: 3 }])
})

test('a worker killed while it makes preview and storyboard: the next does it, the video stays ready', async ({
  startOwn,
  clips,
}) => {
  const stack = await startOwn(1)
  const id = await upload(stack, await makeClip(clips, 'short.mp4', { seconds: 8 }))
  const extras = () =>
    stack.query<{ outcome: string }>(
      `select outcome from attempts where video_id = $1 and kind = 'extra' order by started_at`,
      [id],
    )
  await expect.poll(extras, { timeout: 60_000, intervals: [20] }).toEqual([{ outcome: 'running' }])
  await stack.workers[0]?.kill('SIGKILL')
  const before = await stack.video(id)
  expect(before).toMatchObject({ status: 'ready', previewUrl: null, storyboardUrl: null })
  await stack.startWorker()
  await expectNothingLeftBehind(stack)
  expect(await extras()).toEqual([{ outcome: 'crashed' }, { outcome: 'won' }])
  expect(await stack.video(id)).toEqual({
    ...before,
    previewUrl: expect.stringContaining('preview.webp'),
    storyboardUrl: expect.stringContaining('storyboard.vtt'),
    renditions: expect.arrayContaining(before.renditions),
  })
})

test('a worker told to stop hands its job back at once, and the try does not count', async ({
  startOwn,
  clips,
}) => {
  const stack = await startOwn(1, await slowLadders(clips))
  const id = await upload(stack, await makeClip(clips, 'slow.mp4', SLOW))
  await inMidEncode(stack, id)
  const started = performance.now()
  await stack.workers[0]?.kill('SIGTERM')
  expect(performance.now() - started).toBeLessThan(5000)
  expect(await stack.video(id)).toMatchObject({ status: 'processing', stage: 'queued', playable: true })
  expect(ffmpegsOf(stack)).toEqual([])
  await stack.startWorker()
  expect(await settled(stack, id)).toMatchObject({ status: 'ready' })
  expect(await ladderOutcomes(stack, id)).toEqual(['handed_back', 'won'])
  await expectNothingLeftBehind(stack)
})

test('a worker whose npx was killed hands its job back and ends, as if told to', async ({
  startOwn,
  clips,
}) => {
  const stack = await startOwn(0, await slowLadders(clips))
  // As `npx pnpm worker` does: a package manager, a shell, another one, and another shell.
  const npx = await stack.startWorker(tmpdir(), `exec npx -c "npx -c 'node $0'"`)
  const id = await upload(stack, await makeClip(clips, 'slow.mp4', SLOW))
  await inMidEncode(stack, id)
  const [worker] = await stack.query<{ pid: number }>('select pid from workers')
  await npx.kill('SIGKILL')
  await expect.poll(() => ladderOutcomes(stack, id), { timeout: 10_000 }).toEqual(['handed_back'])
  await expect.poll(() => isRunning(worker?.pid), { timeout: 10_000 }).toBe(false)
  expect(await stack.query('select pid from workers')).toEqual([])
  expect(ffmpegsOf(stack)).toEqual([])
})

function isRunning(pid = 0): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('two workers, started from other folders, share a backlog of six', async ({ startOwn, clips }) => {
  const stack = await startOwn(0, { LADDER: '240' }, true)
  const clip = await makeClip(clips, 'short.mp4', { seconds: 1 })
  const ids = []
  for (let count = 0; count < 6; count++) ids.push(await upload(stack, clip))
  await Promise.all([stack.startWorker(tmpdir()), stack.startWorker('/')])
  for (const id of ids) expect(await settled(stack, id)).toMatchObject({ status: 'ready' })
  const shares = await stack.query<{ outcome: string; videos: number }>(
    `select outcome, count(distinct video_id)::int as videos
      from attempts where kind = 'ladder' group by worker_id, outcome`,
  )
  expect(shares).toHaveLength(2)
  expect(shares.every(({ outcome, videos }) => outcome === 'won' && videos > 0)).toBe(true)
  expect(shares.reduce((sum, { videos }) => sum + videos, 0)).toBe(6)
  await expectNothingLeftBehind(stack)
})

test('without a worker, health and the uploader’s pages say so within 10 s, and the video waits', async ({
  startOwn,
  clips,
  page,
}) => {
  const stack = await startOwn(1)
  await page.goto(`${stack.url}/upload`)
  await stack.workers[0]?.kill('SIGKILL')
  await chooseFiles(page, await makeClip(clips, 'waiting.mp4', { seconds: 1 }))
  const row = page.getByRole('listitem')
  await expect(row.getByText(/no worker is running/i)).toBeVisible({ timeout: 10_000 })
  const id = (await row.getAttribute('data-video-id')) ?? ''
  await page.goto(`${stack.url}/v/${id}`)
  await expect(page.getByText(/no worker is running/i)).toBeVisible({ timeout: 10_000 })
  await page.getByRole('button', { name: 'Cancel processing' }).click()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByText('Waiting for its turn')).toBeVisible()
  const health = await (await fetch(`${stack.url}/api/health`)).json()
  expect(health).toMatchObject({ status: 'degraded', workers: { alive: 0 }, queue: { depth: 1 } })
  expect(health.queue.oldestSeconds).toBeGreaterThan(0)
  await stack.startWorker()
  expect(await settled(stack, id)).toMatchObject({ status: 'ready' })
  await expect(page.getByText(/no worker is running/i)).toBeHidden()
})

test('what FFmpeg died of is missing until its uploader asks for it, and the video plays on', async ({
  startOwn,
  clips,
  page,
}) => {
  const stack = await startOwn(1)
  await page.goto(`${stack.url}/upload`)
  await chooseFiles(page, await makeClip(clips, 'partly.mp4', { seconds: 1 }))
  const row = page.getByRole('listitem')
  await expect(row).toHaveAttribute('data-video-id', /.+/)
  const id = (await row.getAttribute('data-video-id')) ?? ''
  const { hlsUrl } = await settled(stack, id)
  await stack.query(
    "update renditions set state = 'failed', error_code = 'ffmpeg_killed' where key like '%/v240/%'",
  )
  await page.goto(`${stack.url}/v/${id}`)
  await page.getByRole('button', { name: 'Details' }).click()
  await expect(page.getByText('240p could not be made: the video plays in the others.')).toBeVisible()
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByText('It is tried again, and comes by itself once it is made.')).toBeVisible()
  await expect(page.getByText(/could not be made/)).toBeHidden()
  const video = await stack.video(id)
  expect(video.hlsUrl).not.toBe(hlsUrl)
  expect(video.renditions.map(({ state }) => state)).not.toContain('failed')
  await expectNothingLeftBehind(stack)
})

test('a deleted video’s addresses answer 404 at once, also while no worker runs', async ({
  startOwn,
  clips,
}) => {
  const stack = await startOwn(1)
  const id = await upload(stack, await makeClip(clips, 'gone.mp4', { seconds: 1 }))
  const { hlsUrl } = await settled(stack, id)
  await stack.workers[0]?.kill('SIGKILL')
  const status = async () => (await fetch(`${stack.url}${hlsUrl}`)).status
  expect(await status()).toBe(200)
  expect((await fetch(`${stack.url}/api/videos/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect(await status()).toBe(404)
  await stack.startWorker()
  await expect.poll(() => stack.query('select id from videos'), { timeout: 15_000 }).toEqual([])
  await expectNothingLeftBehind(stack)
})

test('a worker that sees another storage than the web exits with a sentence', async ({ startOwn }) => {
  const stack = await startOwn(0)
  const elsewhere = await mkdtemp(path.join(tmpdir(), 'pgreel-elsewhere-'))
  try {
    const worker = spawnSync(process.execPath, [path.resolve(import.meta.dirname, '../worker/main.ts')], {
      env: { ...process.env, DATABASE_URL: stack.databaseUrl, DATA_DIR: elsewhere },
      encoding: 'utf8',
      timeout: 30_000,
    })
    expect(worker.status).toBe(1)
    expect(worker.stderr).toMatch(/storage at .* is not the one the web process writes to/)
  } finally {
    await rm(elsewhere, { recursive: true, force: true })
  }
})

test('deleting a video in mid-encode ends its FFmpeg, its files and its row', async ({ startOwn, clips }) => {
  const stack = await startOwn(1, await slowLadders(clips))
  const id = await upload(stack, await makeClip(clips, 'slow.mp4', SLOW))
  await inMidEncode(stack, id)
  expect((await fetch(`${stack.url}/api/videos/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await fetch(`${stack.url}/api/videos/${id}`)).status).toBe(404)
  await expect.poll(() => ffmpegsOf(stack), { timeout: 3_000, intervals: [50] }).toEqual([])
  await expect.poll(() => stack.query('select id from videos'), { timeout: 15_000 }).toEqual([])
  await expectNothingLeftBehind(stack)
})

test('a cancelled video stops, keeps its upload and can be retried', async ({ startOwn, clips }) => {
  const stack = await startOwn(1, await slowLadders(clips))
  const id = await upload(stack, await makeClip(clips, 'slow.mp4', SLOW))
  await inMidEncode(stack, id)
  const cancelled = await fetch(`${stack.url}/api/videos/${id}/cancel`, { method: 'POST' })
  expect(await cancelled.json()).toMatchObject({ status: 'cancelled' })
  await expect.poll(() => ffmpegsOf(stack), { timeout: 3_000, intervals: [50] }).toEqual([])
  const retried = await fetch(`${stack.url}/api/videos/${id}/retry`, { method: 'POST' })
  // A worker may have taken it before the answer was read.
  expect((await retried.json()).status).toMatch(/^(queued|processing)$/)
  expect(await settled(stack, id)).toMatchObject({ status: 'ready' })
  await expectNothingLeftBehind(stack)
})
