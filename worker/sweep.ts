// Once a minute, by one worker: heals what a death between two steps leaves. Idempotent; one row that
// cannot be healed keeps none of the others from it.
import { send } from '#db/boss.ts'
import { forgetViews } from '#db/counts.ts'
import { sendPoster } from '#db/given.ts'
import {
  sendMissingWork,
  strandedVideos,
  unpurgedVideos,
  videosWithoutExtra,
  videosWithoutPoster,
} from '#db/heal.ts'
import {
  forgetSuperseded,
  giveUpSource,
  markSwept,
  removableSources,
  unsweptAttempts,
  unsweptPublications,
} from '#db/leftovers.ts'
import { forgetPlaybacks } from '#db/playbacks.ts'
import { forgetWholeRates } from '#db/upload-rates.ts'
import { enqueueUpload, expiredUploads, openUploads, removeExpiredUpload } from '#db/uploads.ts'
import { forgetDeadWorkers } from '#db/workers.ts'
import { attemptPrefix, sourceKey } from '#media/keys.ts'
import type { Handler, WorkerContext } from './context.ts'

export const sweep: Handler<'sweep'> = async context => {
  const { db, boss, storage, config, log } = context
  await each(context, await openUploads(db), upload => enqueueIfWhole(context, upload))
  await each(context, await expiredUploads(db), async upload => {
    if (!(await enqueueIfWhole(context, upload))) await removeExpired(context, upload.id)
  })
  await each(context, await strandedVideos(db), async videoId => {
    await db.transaction().execute(trx => sendMissingWork(trx, boss, videoId))
    log.error({ videoId }, 'unfinished video had no job')
  })
  await each(context, await videosWithoutExtra(db), videoId =>
    db.transaction().execute(trx => send(trx, boss, 'extra', { videoId })),
  )
  await each(context, await videosWithoutPoster(db), videoId =>
    db.transaction().execute(trx => sendPoster(trx, boss, videoId)),
  )
  await each(context, await unpurgedVideos(db), videoId =>
    db.transaction().execute(trx => send(trx, boss, 'purge', { videoId })),
  )
  await each(context, await unsweptAttempts(db), async ({ token, videoId }) => {
    await storage.remove(attemptPrefix(videoId, token))
    await markSwept(db, token)
  })
  await each(context, await unsweptPublications(db), async superseded => {
    for (const token of superseded.tokens) await storage.remove(attemptPrefix(superseded.videoId, token))
    await db.transaction().execute(trx => forgetSuperseded(trx, superseded))
  })
  const days = config.keepSourceDays
  if (days !== null) {
    await each(context, await removableSources(db, days), id => removeSource(context, id, days))
  }
  await storage.emptyTrash()
  await forgetDeadWorkers(db)
  await forgetWholeRates(db)
  await forgetViews(db)
  await forgetPlaybacks(db)
}

async function each<T>({ log }: WorkerContext, rows: T[], heal: (row: T) => Promise<unknown>): Promise<void> {
  for (const row of rows) {
    try {
      await heal(row)
    } catch (error) {
      log.error({ err: error, row }, 'not healed, tried again in a minute')
    }
  }
}

/** The last byte came, the web process died before it could say so. */
async function enqueueIfWhole(
  { db, boss, storage, log }: WorkerContext,
  { id, length }: { id: string; length: number },
): Promise<boolean> {
  const file = await storage.stat(sourceKey(id))
  if (file?.sizeBytes !== length) return false
  await storage.sync(sourceKey(id))
  const isQueued = await db.transaction().execute(trx => enqueueUpload(trx, boss, id))
  if (isQueued) log.info({ videoId: id }, 'finished upload queued')
  return true
}

async function removeExpired({ db, storage, log }: WorkerContext, id: string): Promise<void> {
  await db.transaction().execute(async trx => {
    if (!(await removeExpiredUpload(trx, id))) return
    // Before the commit: a row without a file is found again, a file without a row is not.
    await storage.remove(sourceKey(id))
    log.info({ videoId: id }, 'expired upload removed')
  })
}

async function removeSource(
  { db, storage, log }: WorkerContext,
  videoId: string,
  days: number,
): Promise<void> {
  await db.transaction().execute(async trx => {
    const key = await giveUpSource(trx, videoId, days)
    if (!key) return
    // Before the commit, as above: after a death in between it is only removed again.
    await storage.remove(key)
    log.info({ videoId }, 'source removed')
  })
}
