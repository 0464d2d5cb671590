// How soon a video plays: from the start of its last PATCH to a first frame decoded over HTTP, told by
// the same event stream that a browser listens to. Beside it the bare FFmpeg command for that first
// rung, and the usual way: to wait for the whole ladder.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Video } from '#app/video.ts'
import { playlistUris } from '#media/playlist.ts'
import type { Bench, BenchContext } from './context.ts'
import { type Figure, median, percentile } from './figures.ts'
import { getSource, type SourceName } from './sources.ts'
import { addVideo, startDatabase, startWeb, startWorker, waitForStatus } from './stack.ts'

const CHUNK_BYTES = 1024 * 1024
// What is left to do after one video must not slow the next.
const REST_MS = 400

interface Input {
  source: SourceName
  runs: number
  p50?: number
  p95?: number
}

const INPUTS: Input[] = [
  { source: 'H.264 10 s', runs: 20, p50: 0.7, p95: 1.5 },
  { source: 'H.264 60 s', runs: 20, p50: 0.7, p95: 1.5 },
  { source: 'H.264 10 min', runs: 3 },
  { source: 'H.264 at 17 Mbit/s, 10 s', runs: 20, p50: 1.5, p95: 3 },
  { source: 'H.264 portrait by rotation, 30 s', runs: 20, p50: 1.5, p95: 3 },
  { source: 'HEVC 10 s', runs: 20, p50: 1.5, p95: 3 },
  { source: 'HEVC 60 s', runs: 20, p50: 1.5, p95: 3 },
  { source: 'HEVC 10 min', runs: 3, p50: 1.5, p95: 3 },
  { source: 'HEVC 10-bit HLG portrait, 30 s', runs: 20, p50: 2, p95: 4 },
  { source: 'HEVC 4K30, 15 s', runs: 20, p50: 2, p95: 4 },
]
const LONG: SourceName = 'H.264 10 min'
const SHORT: SourceName = 'H.264 10 s'

export const bench: Bench = async context => {
  const inputs = context.quick ? INPUTS.filter(input => input.source === SHORT) : INPUTS
  const files = new Map<SourceName, string>()
  for (const { source } of inputs) files.set(source, await getSource(context, source))
  const stack = await startDatabase(context)
  const { url } = await startWeb(context, stack)
  await startWorker(context, stack, { WORKER_CONCURRENCY: '2' })
  const figures: Figure[] = []
  const p50s = new Map<SourceName, number>()
  for (const { source, runs, p50, p95 } of inputs) {
    const file = files.get(source) ?? ''
    const seconds = await repeat(context, url, file, context.quick ? 3 : runs)
    p50s.set(source, median(seconds))
    const longBound = 1.3 * (p50s.get(SHORT) ?? Number.NaN) + 0.3
    figures.push(
      time(`${source}, p50`, median(seconds), source === LONG ? longBound : p50),
      time(`${source}, p95`, percentile(seconds, 0.95), p95),
    )
    if (source === SHORT || source === 'HEVC 10 s')
      figures.push(time(`${source}, the whole ladder first`, await untilReady(url, file)))
    context.say(`${source}: ${seconds.map(value => value.toFixed(2)).join(' ')}`)
  }
  figures.push(time('H.264 10 s, the bare command', await bareCopy(context, files.get(SHORT) ?? '')))
  figures.push(...(await besideLadders(context, stack, url, files.get(SHORT) ?? '', p50s.get(SHORT) ?? 0)))
  return figures
}

function time(figure: string, value: number, atMost?: number): Figure {
  return { figure, value, unit: 's', bound: atMost === undefined ? null : { atMost } }
}

async function repeat({ signal }: BenchContext, url: string, file: string, runs: number): Promise<number[]> {
  const seconds: number[] = []
  for (let run = 0; run <= runs; run += 1) {
    signal.throwIfAborted()
    const { id, seconds: took } = await untilFirstFrame(url, file)
    await fetch(`${url}/api/videos/${id}`, { method: 'DELETE' })
    await delay(REST_MS, undefined, { signal })
    if (run > 0) seconds.push(took) // the first warms up
  }
  return seconds
}

/** Two ladders run and ten wait: their own first rungs are done. */
async function besideLadders(
  context: BenchContext,
  stack: Parameters<typeof addVideo>[0],
  url: string,
  file: string,
  idle: number,
): Promise<Figure[]> {
  const busy = await getSource(context, context.quick ? 'H.264 60 s' : 'H.264 10 min')
  const ids = []
  for (let count = 0; count < 12; count += 1) ids.push(await addVideo(stack, busy))
  await waitForStatus(context, stack, ids, 'url_hls is not null')
  await waitForStatus(context, stack, ids.slice(0, 2), "stage = 'encoding' and progress > 0.005")
  const seconds = await repeat(context, url, file, context.quick ? 3 : 20)
  context.say(`beside ladders: ${seconds.map(value => value.toFixed(2)).join(' ')}`)
  const ratio = (figure: string, value: number, atMost: number): Figure => ({
    ...{ figure, value: value / idle, unit: '×', bound: { atMost } },
  })
  return [
    time(`${SHORT} beside two ladders and ten that wait, p50`, median(seconds)),
    ratio(`${SHORT} beside ladders : idle p50, p50`, median(seconds), 1.5),
    ratio(`${SHORT} beside ladders : idle p50, p95`, percentile(seconds, 0.95), 2),
  ]
}

async function untilFirstFrame(url: string, file: string): Promise<{ id: string; seconds: number }> {
  const upload = await uploadButLast(url, file)
  const listening = new AbortController()
  const { found: playable } = await follow(url, upload.id, video => video.playable, listening)
  const start = performance.now()
  await upload.sendLast()
  const video = await playable
  await decodeFirstFrame(url, video.hlsUrl ?? '')
  const seconds = (performance.now() - start) / 1000
  listening.abort()
  return { id: upload.id, seconds }
}

async function untilReady(url: string, file: string): Promise<number> {
  const upload = await uploadButLast(url, file)
  const listening = new AbortController()
  const { found: ready } = await follow(url, upload.id, video => video.status === 'ready', listening)
  const start = performance.now()
  await upload.sendLast()
  await ready
  const seconds = (performance.now() - start) / 1000
  listening.abort()
  await fetch(`${url}/api/videos/${upload.id}`, { method: 'DELETE' })
  return seconds
}

async function uploadButLast(url: string, file: string) {
  const bytes = await readFile(file)
  const created = await fetch(`${url}/api/uploads`, {
    method: 'POST',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': String(bytes.length),
      'Upload-Metadata': `filename ${btoa('clip.mp4')},filetype ${btoa('video/mp4')}`,
    },
  })
  const location = new URL(created.headers.get('Location') ?? '', url).href
  const send = async (offset: number) => {
    const response = await fetch(location, {
      method: 'PATCH',
      headers: {
        'Tus-Resumable': '1.0.0',
        'Upload-Offset': String(offset),
        'Content-Type': 'application/offset+octet-stream',
      },
      body: bytes.subarray(offset, offset + CHUNK_BYTES),
    })
    if (response.status !== 204) throw new Error(`PATCH answered ${response.status}`)
  }
  const last = Math.floor((bytes.length - 1) / CHUNK_BYTES) * CHUNK_BYTES
  for (let offset = 0; offset < last; offset += CHUNK_BYTES) await send(offset)
  return { id: location.split('/').at(-1) ?? '', sendLast: () => send(last) }
}

/** @returns once the stream is open: a promise of the first snapshot that is as wanted */
async function follow(
  url: string,
  id: string,
  isWanted: (video: Video) => boolean,
  { signal }: AbortController,
): Promise<{ found: Promise<Video> }> {
  const response = await fetch(`${url}/api/events?videos=${id}`, { signal })
  const read = async () => {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const data = message.startsWith('event: video') ? /^data: (.*)$/m.exec(message)?.[1] : null
        const video = data ? (JSON.parse(data) as Video) : null
        if (video?.status === 'failed') throw new Error(`the video failed: ${video.error?.message}`)
        if (video && isWanted(video)) return video
      }
    }
    throw new Error('the event stream ended')
  }
  const found = read()
  found.catch(() => {}) // awaited by the caller
  return { found }
}

/** As a player: master, media playlist, init segment and first segment, then a decoder. */
async function decodeFirstFrame(origin: string, hlsUrl: string): Promise<void> {
  const text = async (address: string) => {
    const response = await fetch(address)
    if (!response.ok) throw new Error(`${address} answered ${response.status}`)
    return response.text()
  }
  const master = new URL(hlsUrl, origin).href
  const [variant = ''] = playlistUris(await text(master))
  const list = new URL(variant, master).href
  const [init = '', segment = ''] = playlistUris(await text(list))
  const parts = await Promise.all(
    [init, segment].map(async uri => Buffer.from(await (await fetch(new URL(uri, list))).arrayBuffer())),
  )
  const decoder = spawn('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-frames:v', '1', '-f', 'null', '-'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  decoder.stdin.on('error', () => {}) // it has its frame and reads no more
  decoder.stdin.end(Buffer.concat(parts))
  const [status] = await once(decoder, 'exit')
  if (status !== 0) throw new Error('the first segment cannot be decoded')
}

/** The floor: the same cut by a bare FFmpeg, from its start to the first whole segment. */
async function bareCopy({ quick }: BenchContext, file: string): Promise<number> {
  const seconds: number[] = []
  for (let run = 0; run < (quick ? 3 : 20); run += 1) {
    const folder = await mkdtemp(path.join(path.dirname(file), 'bare-'))
    await mkdir(path.join(folder, 'v'))
    const args = ['-v', 'error', '-i', file, '-map', '0:v', '-c', 'copy', '-f', 'hls', '-hls_time', '2']
    const hls = ['-hls_segment_type', 'fmp4', '-hls_playlist_type', 'event', '-hls_flags', 'temp_file']
    const start = performance.now()
    const ffmpeg = spawn('ffmpeg', [...args, ...hls, '-hls_segment_filename', 'v/%d.m4s', 'v/list.m3u8'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = once(ffmpeg, 'exit')
    while (!(await readdir(path.join(folder, 'v'))).includes('0.m4s')) await delay(2)
    seconds.push((performance.now() - start) / 1000)
    await ended
    await rm(folder, { recursive: true })
  }
  return median(seconds)
}
