// Once an hour, by one worker: files that no row owns, as a crash between a file and its row leaves them, or a
// writer that was frozen while its video was deleted. They may also be newer than their database, when
// somebody has set that one back: so they are kept aside for a week. The other way round, rows without
// files, is the doctor's to tell: only a person can say where a copy is.
import { ourTime } from '#db/installation.ts'
import { owners } from '#db/invariants.ts'
import { findOrphans } from '#media/orphans.ts'
import type { Handler } from './context.ts'

const OLD_AFTER_MS = 3_600_000
const AT_MOST = 1000
const KEPT_MS = 7 * 24 * 3_600_000

export const tidy: Handler<'tidy'> = async ({ db, storage, log, stopping }) => {
  const since = await ourTime(db)
  if (!since) return
  const until = Date.now() - OLD_AFTER_MS
  const isCandidate = ({ modifiedAt }: { modifiedAt: Date }) =>
    modifiedAt.getTime() < until && modifiedAt > since
  let found = 0
  for await (const key of findOrphans(storage, owners(db), isCandidate)) {
    if (stopping.aborted || found === AT_MOST) break
    await storage.quarantine(key)
    found += 1
    log.warn({ key }, 'orphan set aside')
  }
  await storage.emptyQuarantine(new Date(Date.now() - KEPT_MS))
}
