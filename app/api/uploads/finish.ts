// The moment after the last byte: bytes safe on disk first, then row and job in one transaction.

import { log } from '#app/log.ts'
import { requestId } from '#app/requests.ts'
import type { Server } from '#app/server.ts'
import { enqueueUpload, findUpload } from '#db/uploads.ts'
import { sourceKey } from '#media/keys.ts'

/** Idempotent: the last PATCH, an empty one after it and every HEAD at the end call it. */
export async function finishUpload({ db, boss, storage }: Server, id: string): Promise<void> {
  const upload = await findUpload(db, id)
  if (!upload || upload.isFinished) return
  await storage.sync(sourceKey(id))
  const queue = await boss()
  const isQueued = await db.transaction().execute(trx => enqueueUpload(trx, queue, id, requestId()))
  if (isQueued) log.info({ videoId: id, bytes: upload.length }, 'video queued')
}
