// pg-boss gave up on a job in its own SQL, where it cannot know our rows: here attempt and video end
// too, in one transaction, so that no video says "processing" for ever.
import { endRunning, failVideo, GAVE_UP } from '#db/attempts.ts'
import { hasLadderJob } from '#db/heal.ts'
import type { Handler } from './context.ts'

export const dead: Handler<'dead'> = async ({ db, log }, { videoId }) => {
  await db.transaction().execute(async trx => {
    // Delivered again after the person has retried: that work is alive, and not ours to end.
    if (await hasLadderJob(trx, videoId)) return
    await failVideo(trx, videoId, GAVE_UP)
    await endRunning(trx, videoId, 'crashed')
  })
  log.error({ videoId }, 'job gave up')
}
