// What happened to a video, and being woken when something does: LISTEN for ids, then read rows.
import { sql } from 'kysely'
import pg from 'pg'
import type { Db } from './client.ts'
import type { EventRow } from './schema.ts'

const CHANNEL = 'pgreel_video'
const RECONNECT_AFTER_MS = 1000

/** Events of these videos after `afterId`, oldest first. Index: events_of_video. */
export async function eventsAfter(db: Db, videoIds: string[], afterId: number): Promise<EventRow[]> {
  if (videoIds.length === 0) return []
  return db
    .selectFrom('events')
    .selectAll()
    .where('video_id', 'in', videoIds)
    .where('id', '>', afterId)
    .orderBy('id')
    .limit(500)
    .execute()
}

/** On the way of every video, in this order where nothing goes wrong; and the two other ends. */
const MILESTONES = [
  ...['received', 'queued', 'claimed', 'probed', 'playable', 'encoded', 'verified', 'ready'],
  ...['failed', 'cancelled'],
]

export interface Milestone {
  stage: string
  at: Date
  /** of `claimed`: the kind of work */
  work: string | null
}

/**
 * What the video has come past, oldest first; what an attempt comes past once for each attempt.
 * Index: events_of_video.
 */
export async function milestonesOf(db: Db, videoId: string): Promise<Milestone[]> {
  return db
    .selectFrom('events')
    .select(['stage', 'at', sql<string | null>`detail ->> 'work'`.as('work')])
    .where('video_id', '=', videoId)
    .where('stage', 'in', MILESTONES)
    .orderBy('id')
    .execute()
}

/** The newest event of these videos, or 0: where a stream without Last-Event-ID begins. */
export async function lastEventId(db: Db, videoIds: string[]): Promise<number> {
  if (videoIds.length === 0) return 0
  const row = await db
    .selectFrom('events')
    .select(eb => eb.fn.max('id').as('id'))
    .where('video_id', 'in', videoIds)
    .executeTakeFirst()
  return Number(row?.id ?? 0)
}

/**
 * Calls `onVideo` with the id of each video that changes. One connection for the whole process;
 * when it breaks it is opened again. `onGap` says that changes before now may have been missed.
 */
export function listenForVideos(
  url: string,
  name: string,
  {
    onVideo,
    onGap,
    onError,
  }: { onVideo: (id: string) => void; onGap: () => void; onError: (error: Error) => void },
): { close: () => Promise<void> } {
  let isClosed = false
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client({ connectionString: url, application_name: name, keepAlive: true })
    client = next
    let isBroken = false
    const again = (error: Error) => {
      if (isBroken || isClosed) return
      isBroken = true
      onError(error)
      next.end().catch(() => {}) // already broken: ending it may only repeat that
      timer = setTimeout(() => void connect(), RECONNECT_AFTER_MS)
    }
    next.on('error', again)
    next.on('end', () => again(new Error('the listening connection ended')))
    next.on('notification', message => message.payload && onVideo(message.payload))
    try {
      await next.connect()
      await next.query(`listen ${CHANNEL}`)
      onGap()
    } catch (error) {
      again(error instanceof Error ? error : new Error(String(error)))
    }
  }

  void connect()
  return {
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end()
    },
  }
}
