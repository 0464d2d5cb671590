// How a try at a video's work begins, in the transaction that also looks whether the job is still ours.
import { type Attempt, endRunning } from './attempts.ts'
import { type Boss, type Job, requireOwn } from './boss.ts'
import type { Work } from './budgets.ts'
import type { Trx } from './client.ts'
import { waitsForPoster } from './given.ts'
import { missingRenditions } from './missing.ts'
import type { VideoRow } from './schema.ts'

interface Claim {
  videoId: string
  kind: Work
  recipe: string
  workerId: string
  /** of disk that it may write */
  bytesExpected: number
}

/**
 * Takes the work that a job stands for. An attempt that still runs for it is a dead or frozen
 * worker's: pg-boss has given its job to us, so it is ended as crashed, and its token no longer opens
 * anything.
 * @returns null when there is nothing to do any more (deleted, cancelled, done already)
 * @throws JobLost when this worker slept between fetching the job and here, and another has it now
 */
export async function claim(trx: Trx, boss: Boss, job: Job, given: Claim) {
  const { videoId, kind, recipe, workerId, bytesExpected } = given
  const video = await findWanted(trx, videoId, kind)
  if (!video) return null
  const attempt: Attempt = { token: crypto.randomUUID(), videoId, kind }
  await trx
    .insertInto('attempts')
    .values({
      ...{ token: attempt.token, video_id: videoId, kind, recipe, worker_id: workerId },
      bytes_expected: bytesExpected,
    })
    .execute()
  // Of what plays as it should nobody is told.
  if (video.status !== 'ready') {
    await trx
      .insertInto('events')
      .values({
        video_id: videoId,
        token: attempt.token,
        stage: 'claimed',
        detail: JSON.stringify({ work: kind }),
      })
      .execute()
  }
  // What plays already is the ladder's to tell of.
  if (video.status !== 'ready' && (kind === 'ladder' || video.publication_id === null)) {
    const stage = video.facts === null ? 'probing' : 'encoding'
    await trx
      .updateTable('videos')
      .set({ status: 'processing', stage, progress: 0, progress_at: null })
      .where('id', '=', videoId)
      .execute()
  }
  await requireOwn(trx, boss, job)
  return { attempt, video }
}

/**
 * Locks the video, and ends what a dead worker left running of this work: it promises nothing any more.
 * @returns null when there is nothing to do any more
 */
export async function findWanted(trx: Trx, videoId: string, kind: Work): Promise<VideoRow | null> {
  const video = await trx
    .selectFrom('videos')
    .selectAll()
    .where('id', '=', videoId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst()
  if (!video || !(await isWanted(trx, kind, video))) return null
  await endRunning(trx, videoId, 'crashed', kind)
  return video
}

async function isWanted(trx: Trx, kind: Work, video: VideoRow): Promise<boolean> {
  const { status, url_hls, url_preview, url_storyboard } = video
  if (status === 'ready') {
    if (kind === 'poster') return waitsForPoster(trx, video.id)
    if (kind === 'extra') return url_preview === null && url_storyboard === null
    const missing = await missingRenditions(trx, video.publication_id)
    return missing.some(({ height }) => (height === null ? 'ladder' : 'rung') === kind)
  }
  const isUnfinished = status === 'queued' || status === 'processing'
  return isUnfinished && (kind === 'ladder' || (kind === 'first' && url_hls === null))
}
