// What a corpus is put through: the real system, whose uploads are followed to their end.
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Video } from '#app/video.ts'
import type { BenchContext } from './context.ts'
import { processesIn } from './invariants.ts'
import { type Stack, startDatabase, startWeb, startWorker } from './stack.ts'

const CHUNK_BYTES = 8 * 1024 ** 2
const SETTLES_WITHIN_MS = 300_000

export interface CorpusWorld {
  context: BenchContext
  stack: Stack
  url: string
  /** of any FFmpeg so far */
  memory: { peakBytes: number }
  /** of workers that ended by themselves */
  deaths: () => number
}

export async function startCorpusWorld(
  context: BenchContext,
  settings: Record<string, string>,
): Promise<CorpusWorld> {
  const stack = { ...(await startDatabase(context)), isQuiet: true }
  const { url } = await startWeb(context, stack, { RATE_LIMIT: 'off' })
  const worker = await startWorker(context, stack, settings)
  let deaths = 0
  void worker.ended.then(() => {
    deaths += 1
  })
  return { context, stack, url, memory: watchMemory(context, stack), deaths: () => deaths }
}

/** @returns its id; null when it was refused at the door */
export async function send(
  { url, context: { signal } }: CorpusWorld,
  bytes: Buffer,
  name: string,
): Promise<{ id: string | null; status: number }> {
  const headers = { 'Tus-Resumable': '1.0.0' }
  const created = await fetch(`${url}/api/uploads`, {
    ...{ method: 'POST', signal },
    headers: {
      ...headers,
      'Upload-Length': String(bytes.length),
      'Upload-Metadata': `filename ${Buffer.from(name).toString('base64')}`,
    },
  })
  const id = created.headers.get('Location')?.split('/').at(-1) ?? null
  if (!created.ok || !id) return { id: null, status: created.status }
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    const patched = await fetch(`${url}/api/uploads/${id}`, {
      ...{ method: 'PATCH', signal, body: new Uint8Array(bytes.subarray(offset, offset + CHUNK_BYTES)) },
      headers: {
        ...headers,
        'Upload-Offset': String(offset),
        'Content-Type': 'application/offset+octet-stream',
      },
    })
    if (!patched.ok) throw new Error(`PATCH answered ${patched.status}`)
  }
  return { id, status: created.status }
}

export interface Settled {
  video: Video
  /** copied, encoded, or '' when it never played */
  path: string
  playableSeconds: number | undefined
  readySeconds: number | undefined
}

/** @returns null when it came to no end */
export async function settle(
  { url, stack, context: { signal } }: CorpusWorld,
  id: string,
): Promise<Settled | null> {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  let playableSeconds: number | undefined
  while (performance.now() - start < SETTLES_WITHIN_MS) {
    const video: Video = await (await fetch(`${url}/api/videos/${id}`, { signal })).json()
    // Addresses are relative where no CDN is set.
    const absolute = (address: string | null) => address && new URL(address, url).href
    const addresses = { hlsUrl: absolute(video.hlsUrl), mp4Url: absolute(video.mp4Url) }
    if (video.playable) playableSeconds ??= elapsed()
    const isOver = ['failed', 'cancelled'].includes(video.status)
    if (isOver || (video.status === 'ready' && !(await isAtWork(stack, id)))) {
      const readySeconds = video.status === 'ready' ? elapsed() : undefined
      return {
        video: { ...video, ...addresses },
        path: await pathOf(stack, id),
        playableSeconds,
        readySeconds,
      }
    }
    await delay(50, undefined, { signal })
  }
  return null
}

async function isAtWork({ db }: Stack, id: string): Promise<boolean> {
  const { rows } = await sql<{ live: boolean }>`
    select exists (select from pgboss.job where data ->> 'videoId' = ${id}
      and state in ('created', 'retry', 'active')) as live`.execute(db)
  return rows[0]?.live ?? false
}

async function pathOf({ db }: Stack, id: string): Promise<string> {
  const { rows } = await sql<{ copied: boolean }>`
    select key like '%/copy/%' as copied from renditions
    join attempts using (token)
    where renditions.video_id = ${id} and attempts.kind = 'first' and renditions.kind = 'video'`.execute(db)
  const [first] = rows
  return first ? (first.copied ? 'copied' : 'encoded') : ''
}

/** Tries whose worker died. */
export async function crashes({ db }: Stack): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::int as n from attempts where outcome = 'crashed'`.execute(db)
  return rows[0]?.n ?? 0
}

/** Looks at what every FFmpeg holds, as often as it costs nothing. */
function watchMemory({ closing, signal }: BenchContext, { dataDir }: Stack): { peakBytes: number } {
  const seen = { peakBytes: 0 }
  const over = new AbortController()
  closing.defer(() => over.abort())
  const look = async () => {
    while (!over.signal.aborted && !signal.aborted) {
      for (const pid of await processesIn(path.join(dataDir, 'scratch'))) {
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '') // it has ended
        const kilobytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
        seen.peakBytes = Math.max(seen.peakBytes, kilobytes * 1024)
      }
      await delay(200)
    }
  }
  void look()
  return seen
}
