// Open event streams of this process: one listening connection wakes them all, each change is read
// once however many watch it.
import { log } from '#app/log.ts'
import { requests } from '#app/requests.ts'
import type { Server } from '#app/server.ts'
import type { Video } from '#app/video.ts'
import { etaOf, toVideo } from '#app/video-json.ts'
import { likersAmong } from '#db/counts.ts'
import { eventsAfter, lastEventId, listenForVideos } from '#db/events.ts'
import type { EventRow } from '#db/schema.ts'
import { findVideos } from '#db/videos.ts'

// The queue moves on without a word about those who wait in it.
const TELL_WAITING_MS = 4000

export interface Subscriber {
  /** whose likes they are that it is told of */
  viewer: string | null
  /** for each watched video, the last event that was sent */
  sent: Map<string, number>
  send: (message: Message) => void
  close: () => void
}

export type Message =
  | { event: 'video'; data: Video }
  | { event: 'stage'; id: number; data: { videoId: string; stage: string; status: string; at: string } }
  | { event: 'removed'; data: { videoId: string } }

export interface Hub {
  /** Sends a snapshot of each video, and the events since `afterId` where it is given. */
  subscribe: (subscriber: Subscriber, afterId: number | null) => Promise<void>
  unsubscribe: (subscriber: Subscriber) => void
  close: () => Promise<void>
}

const holder = globalThis as typeof globalThis & { pgreelHub?: Hub }

export function hub(server: Server): Hub {
  // It outlives the request that opened it, and its log lines are not that request's.
  holder.pgreelHub ??= requests.exit(() => openHub(server))
  return holder.pgreelHub
}

/** Ends every stream, so that the process can. */
export async function closeHub(): Promise<void> {
  await holder.pgreelHub?.close()
}

function openHub({ db, config, databaseUrl }: Server): Hub {
  const subscribers = new Set<Subscriber>()
  const reading = new Map<string, { again: boolean }>()
  const waiting = new Set<string>()
  const warn = (error: unknown) => log.warn({ err: error }, 'events interrupted')

  /** Reads a video and passes it on; changes that come meanwhile are read once more afterwards. */
  async function refresh(id: string): Promise<void> {
    const running = reading.get(id)
    if (running) {
      running.again = true
      return
    }
    const state = { again: true }
    reading.set(id, state)
    try {
      while (state.again) {
        state.again = false
        const watching = [...subscribers].filter(({ sent }) => sent.has(id))
        if (watching.length > 0) await deliver(id, watching)
        else waiting.delete(id)
      }
    } catch (error) {
      warn(error) // the next change, or the client's next connection, brings the same truth
    } finally {
      reading.delete(id)
    }
  }

  async function deliver(id: string, watching: Subscriber[]): Promise<void> {
    const oldest = Math.min(...watching.map(({ sent }) => sent.get(id) ?? 0))
    // Events first: a snapshot read after them is never older than they are.
    const events = await eventsAfter(db, [id], oldest)
    const [row] = await findVideos(db, [id])
    const eta = row ? await etaOf(db, row) : null
    if (row?.status === 'queued' || row?.status === 'processing') waiting.add(id)
    else waiting.delete(id)
    const viewers = watching.flatMap(({ viewer }) => viewer ?? [])
    const likers = await likersAmong(db, id, viewers)
    for (const subscriber of watching) {
      for (const event of events) sendEvent(subscriber, event)
      const liked = likers.has(subscriber.viewer ?? '')
      if (row) subscriber.send({ event: 'video', data: toVideo({ ...row, liked }, config.mediaBaseUrl, eta) })
      else subscriber.send({ event: 'removed', data: { videoId: id } })
    }
  }

  function sendEvent({ sent, send }: Subscriber, { id, video_id, stage, at, detail }: EventRow): void {
    if (id <= (sent.get(video_id) ?? 0) || !('status' in detail)) return
    sent.set(video_id, id)
    send({
      event: 'stage',
      id,
      data: { videoId: video_id, stage, status: String(detail.status), at: at.toISOString() },
    })
  }

  const listener = listenForVideos(databaseUrl, 'pgreel-web-events', {
    onVideo: id => void refresh(id),
    onGap: () => {
      for (const id of new Set([...subscribers].flatMap(({ sent }) => [...sent.keys()]))) void refresh(id)
    },
    onError: warn,
  })

  const timer = setInterval(() => {
    for (const id of waiting) void refresh(id)
  }, TELL_WAITING_MS)

  return {
    async subscribe(subscriber, afterId) {
      const ids = [...subscriber.sent.keys()]
      const start = afterId ?? (await lastEventId(db, ids))
      for (const id of ids) subscriber.sent.set(id, start)
      subscribers.add(subscriber)
      // Through the same door as changes: of two snapshots the newer is always sent last.
      await Promise.all(ids.map(refresh))
    },
    unsubscribe: subscriber => void subscribers.delete(subscriber),
    async close() {
      clearInterval(timer)
      for (const subscriber of subscribers) subscriber.close()
      await listener.close()
    },
  }
}
