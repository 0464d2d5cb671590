// pg-boss gave up on a job in its own SQL, where it cannot know our rows: here attempt and video end
// too, in one transaction, so that no video says "processing" for ever.
import { giveUp } from '#db/attempts.ts'
import { hasJob } from '#db/heal.ts'
import type { Handler } from './context.ts'

export const dead: Handler<'dead'> = async ({ db, boss, log }, { videoId }) => {
  await db.transaction().execute(async trx => {
    for (const work of ['first', 'ladder', 'rung', 'extra', 'poster'] as const) {
      // Work that has a job is alive, as after a person's retry, and not ours to end.
      if (!(await hasJob(trx, work, videoId))) await giveUp(trx, boss, videoId, work)
    }
  })
  log.error({ videoId }, 'job gave up')
}
