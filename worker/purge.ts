// Removes what a deleted video leaves: files first, then the row, so that a death in between leaves
// a row that says what is still to be removed, never files that nobody knows.
import { forgetVideo, isDeleted } from '#db/videos.ts'
import { sourceKey, videoPrefix } from '#media/keys.ts'
import type { Handler } from './context.ts'

export const purge: Handler<'purge'> = async ({ db, storage, log }, { videoId }) => {
  if (!(await isDeleted(db, videoId))) return
  await storage.remove(videoPrefix(videoId))
  await storage.remove(sourceKey(videoId))
  await forgetVideo(db, videoId)
  log.info({ videoId }, 'video removed')
}
