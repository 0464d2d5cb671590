// THE catalogue of jobs. Sender and worker both import it: a name that is not here does not
// compile, and worker/main.ts must have exactly one handler for each entry. Must not know: how any
// job is done.
import type { Queue } from 'pg-boss'
import { z } from 'zod'

interface JobDeclaration {
  /** Job data is ids only: what is true about a video is in its row. */
  data: z.ZodType
  queue: Omit<Queue, 'name'>
  /** cron, UTC; one at a time over all workers */
  cron?: string
}

/** The request that caused it, for the log alone; jobs of the sweep have none. */
const requestId = z.string().max(64).optional()

const videoId = z.object({ videoId: z.uuid(), requestId })

const HOUR = 3600

// Our own budgets (db/budgets.ts) end a job by cause long before this limit; it only has to be
// above their sum, so that a killed worker never uses up a good video's tries.
const ABOVE_OUR_BUDGETS = 40

const perVideo = {
  // One live job per (queue, video): a second send of the same is dropped by the database.
  policy: 'exclusive',
  notify: true,
  retryLimit: ABOVE_OUR_BUDGETS,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
  heartbeatSeconds: 10,
  // pg-boss deletes jobs that waited this long; a video must outwait any absence of workers.
  retentionSeconds: 10 * 365 * 24 * HOUR,
  deleteAfterSeconds: 24 * HOUR,
} as const

export const jobs = {
  /** source → one quick rendition, published while it grows; what makes it playable sends the ladder */
  first: { data: videoId, queue: { ...perVideo, expireInSeconds: 24 * HOUR - 1, deadLetter: 'dead' } },
  /** source → every rendition → publication; the video is `ready` then, or settled as db/settle.ts says */
  ladder: { data: videoId, queue: { ...perVideo, expireInSeconds: 24 * HOUR - 1, deadLetter: 'dead' } },
  /** source → one rendition that the ladder had to leave out */
  rung: { data: videoId, queue: { ...perVideo, expireInSeconds: 24 * HOUR - 1, deadLetter: 'dead' } },
  /** a published rung → preview and storyboard; the video stays `ready` whatever becomes of it */
  extra: { data: videoId, queue: { ...perVideo, expireInSeconds: HOUR, deadLetter: 'dead' } },
  /** the moment or the picture that its uploader gave a ready video → its poster */
  poster: { data: videoId, queue: { ...perVideo, expireInSeconds: HOUR, deadLetter: 'dead' } },
  /** removes a deleted video's files, then its row */
  purge: { data: videoId, queue: { ...perVideo, expireInSeconds: HOUR } },
  /** pg-boss gave up on a job: ends the attempt, and a video that cannot be played, with a reason */
  dead: { data: videoId, queue: { ...perVideo, expireInSeconds: HOUR } },
  /** finished but unqueued uploads, expired uploads, what lost attempts left in the storage */
  sweep: {
    data: z.object({}).nullish(),
    queue: {
      policy: 'singleton',
      retryLimit: 0,
      expireInSeconds: 600,
      heartbeatSeconds: 10,
      deleteAfterSeconds: HOUR,
    },
    cron: '* * * * *',
  },
  /** files that no row owns; walks the whole storage */
  tidy: {
    data: z.object({}).nullish(),
    queue: {
      policy: 'singleton',
      retryLimit: 0,
      expireInSeconds: HOUR - 60,
      heartbeatSeconds: 10,
      deleteAfterSeconds: 24 * HOUR,
    },
    cron: '17 * * * *',
  },
} as const satisfies Record<string, JobDeclaration>

export type JobName = keyof typeof jobs
export type JobData<Name extends JobName> = z.output<(typeof jobs)[Name]['data']>

export const jobNames = Object.keys(jobs) as JobName[]
