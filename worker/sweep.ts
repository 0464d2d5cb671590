// Once a minute, by one worker: heals what a death between two steps leaves. Idempotent.
import { markSwept, unsweptAttempts } from '#db/attempts.ts'
import { enqueueUpload, openUploads, removeOpenUpload } from '#db/uploads.ts'
import { forgetDeadWorkers } from '#db/workers.ts'
import { attemptPrefix, sourceKey } from '#media/keys.ts'
import type { Handler, WorkerContext } from './context.ts'

export const sweep: Handler<'sweep'> = async context => {
  const { db, storage } = context
  await sweepUploads(context)
  for (const { token, videoId } of await unsweptAttempts(db)) {
    await storage.remove(attemptPrefix(videoId, token))
    await markSwept(db, token)
  }
  await storage.emptyTrash()
  await forgetDeadWorkers(db)
}

async function sweepUploads({ db, boss, storage, log }: WorkerContext): Promise<void> {
  for (const { id, length, isExpired } of await openUploads(db)) {
    const file = await storage.stat(sourceKey(id))
    if (file?.sizeBytes === length) {
      // The last byte came, the web process died before it could say so.
      await storage.sync(sourceKey(id))
      const queued = await db.transaction().execute(trx => enqueueUpload(trx, boss, id))
      if (queued) log.info({ videoId: id }, 'finished upload queued')
    } else if (isExpired) {
      // The file first: a row without a file is found again, a file without a row is not.
      await storage.remove(sourceKey(id))
      await removeOpenUpload(db, id)
      log.info({ videoId: id }, 'expired upload removed')
    }
  }
}
