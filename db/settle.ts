// How a video ends when work on it has ended without success: it plays what there is, or nothing at
// all, and says why. A video that plays is never taken away by a failure of later work.
import { sql } from 'kysely'
import { isBeside, type Work } from './budgets.ts'
import type { Trx } from './client.ts'
import { endWish } from './given.ts'
import { hasJob } from './heal.ts'
import type { FailureCause } from './schema.ts'

export interface Failure {
  cause: FailureCause
  code: string
  message: string
}

/** What a video says when we stopped trying. */
export const GAVE_UP: Failure = {
  cause: 'ours',
  code: 'gave_up',
  message:
    'Processing failed again and again, so it was given up. Your upload is kept: retry it, or tell the operator.',
}

/**
 * After the last try of `work`, in the transaction that ends its job. As long as the other of first
 * rung and ladder has a job, the end is not ours to say.
 */
export async function settle(trx: Trx, videoId: string, work: Work, failure: Failure): Promise<void> {
  if (work === 'poster') await endWish(trx, videoId, failure)
  if (isBeside(work)) return
  const video = await trx
    .selectFrom('videos')
    .select(['publication_id', 'url_hls'])
    .where('id', '=', videoId)
    .where('status', 'in', ['queued', 'processing'])
    .forUpdate()
    .executeTakeFirst()
  if (!video || (await hasJob(trx, work === 'first' ? 'ladder' : 'first', videoId))) return
  if (video.publication_id && video.url_hls) {
    return becomeReady(trx, videoId, video.publication_id)
  }
  await unpublish(trx, videoId)
  const { code, message } = failure
  await trx
    .updateTable('videos')
    .set({ ...UNPUBLISHED, status: 'failed', stage: 'failed', error_code: code, error_message: message })
    .where('id', '=', videoId)
    .execute()
}

/** The first rung is whole and the ladder will not come: all is there that will be. */
export async function becomeReady(trx: Trx, videoId: string, publicationId: string): Promise<void> {
  await leaveOut(trx, videoId, publicationId)
  await trx
    .updateTable('videos')
    .set({ status: 'ready', stage: 'ready', progress: 1, ready_at: sql<Date>`now()` })
    .where('id', '=', videoId)
    .execute()
}

/** Of a video that nothing is played from. In one statement with its status: see videos' constraints. */
export const UNPUBLISHED = {
  ...{ publication_id: null, url_hls: null, url_mp4: null, thumbnail: null, playable_at: null },
  ...{ placeholder: null, url_preview: null, url_storyboard: null },
}

/** The caller's next statement on the video gives it another publication, or none: `UNPUBLISHED`. */
export async function unpublish(trx: Trx, videoId: string): Promise<void> {
  await trx
    .updateTable('publications')
    .set({ superseded_at: sql<Date>`now()` })
    .where('video_id', '=', videoId)
    .where('superseded_at', 'is', null)
    .execute()
}

/** What is missing is a rendition that says why. */
async function leaveOut(trx: Trx, videoId: string, publicationId: string): Promise<void> {
  const attempt = await trx
    .selectFrom('attempts')
    .select(['token', 'error_code'])
    .where('video_id', '=', videoId)
    .where('kind', '=', 'ladder')
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!attempt) return
  const id = crypto.randomUUID()
  await trx
    .insertInto('renditions')
    .values({
      ...{ id, video_id: videoId, token: attempt.token, kind: 'video', bytes: 0, segments: '[]' },
      ...{ state: 'failed', error_code: attempt.error_code ?? GAVE_UP.code },
      // Nothing is stored under it.
      key: `videos/${videoId}/${attempt.token}/ladder`,
    })
    .execute()
  await trx
    .insertInto('publication_renditions')
    .values({ publication_id: publicationId, rendition_id: id })
    .execute()
}
