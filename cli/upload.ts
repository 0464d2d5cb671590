// A video's way in, for scripts: tus 1.0.0 over fetch (https://tus.io/protocols/resumable-upload),
// then the video's own page of the API until it is ready.
import { open } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Sentence } from './say.ts'

const chunkBytes = 16 * 1024 * 1024
const pollMilliseconds = 250

const types: Record<string, string> = {
  '.mov': 'video/quicktime',
  '.mkv': 'video/x-matroska',
  '.webm': 'video/webm',
  '.avi': 'video/x-msvideo',
}

/** The part of the API's `Video` that is followed here. */
export interface FollowedVideo {
  id: string
  title: string
  status: string
  stage: string
  playable: boolean
  progress: number
  error: { code: string; message: string } | null
}

/**
 * Sends a file in chunks.
 * @returns the video's id
 * @throws Sentence with the server's own words when it refuses
 */
export async function upload(
  baseUrl: string,
  file: string,
  title: string,
  signal: AbortSignal,
): Promise<string> {
  await using handle = await open(file)
  const { size } = await handle.stat()
  const metadata = {
    filename: path.basename(file),
    filetype: types[path.extname(file).toLowerCase()] ?? 'video/mp4',
    title,
  }
  const created = await send(`${baseUrl}/api/uploads`, signal, {
    method: 'POST',
    headers: {
      'Upload-Length': String(size),
      'Upload-Metadata': Object.entries(metadata)
        .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
        .join(','),
    },
  })
  const location = new URL(created.headers.get('Location') ?? '', `${baseUrl}/api/uploads`)
  // An empty file takes one empty PATCH, so that its end is seen.
  let offset = 0
  do {
    const chunk = Buffer.alloc(Math.min(chunkBytes, size - offset))
    await handle.read(chunk, 0, chunk.length, offset)
    const patched = await send(location.href, signal, {
      method: 'PATCH',
      headers: { 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
      body: chunk,
    })
    offset = Number(patched.headers.get('Upload-Offset'))
  } while (offset < size)
  return location.pathname.split('/').at(-1) ?? ''
}

/**
 * Asks for a video until it is ready, failed or cancelled.
 * @param onChange hears of every new stage
 */
export async function follow(
  baseUrl: string,
  id: string,
  signal: AbortSignal,
  onChange: (video: FollowedVideo) => void,
): Promise<FollowedVideo> {
  let last = ''
  for (;;) {
    const response = await fetch(`${baseUrl}/api/videos/${id}`, { signal })
    if (!response.ok) throw new Sentence(await refusal(response))
    const video: FollowedVideo = await response.json()
    const now = `${video.status} ${video.stage} ${video.playable}`
    if (now !== last) onChange(video)
    last = now
    if (['ready', 'failed', 'cancelled'].includes(video.status)) return video
    await delay(pollMilliseconds, undefined, { signal })
  }
}

async function send(url: string, signal: AbortSignal, init: RequestInit): Promise<Response> {
  const headers = { 'Tus-Resumable': '1.0.0', ...init.headers }
  const response = await fetch(url, { ...init, headers, signal })
  if (!response.ok) throw new Sentence(`The upload was refused: ${await refusal(response)}`)
  // A body left unread keeps its connection, and an abort later on would reject with nobody waiting.
  await response.arrayBuffer()
  return response
}

/** The sentence of an application/problem+json answer, or what there is. */
async function refusal(response: Response): Promise<string> {
  const text = await response.text()
  if (!response.headers.get('Content-Type')?.includes('json'))
    return `${response.status} ${text.slice(0, 200)}`
  const problem = JSON.parse(text)
  return `${problem.code ?? response.status}: ${problem.detail ?? problem.title ?? text}`
}
