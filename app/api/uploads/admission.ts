// Which uploads are let in: judged by what the client declares, before a byte is sent. What is
// really in the file, the worker's probe finds out.
import type { Upload } from '@tus/utils'
import { cleanLine } from '#app/clean-text.ts'
import type { Server } from '#app/server.ts'
import { isVideo } from '#app/upload/video-file.ts'
import { awaitedBytes, lockAdmission, promisedBytes, roomFor } from '#db/room.ts'
import { createUpload } from '#db/uploads.ts'
import { sourceKey } from '#media/keys.ts'
import { DISK_FULL } from './store.ts'

const RESERVE_BYTES = 64 * 1024 ** 2
const MAX_TITLE = 200
const MAX_METADATA_VALUE = 2000

/** Admits an upload and creates its video. @throws what @tus/server answers with */
export async function admit(server: Server, upload: Upload): Promise<void> {
  const metadata = upload.metadata ?? {}
  const filename = metadata.filename ?? ''
  if (!isVideo(filename, metadata.filetype ?? '')) {
    throw {
      status_code: 415,
      body: 'This is not a video by its name or type. Upload an MP4, MOV, WebM, MKV or AVI file.',
    }
  }
  const length = upload.size ?? 0
  const metadataKept = Object.fromEntries(
    ['filename', 'filetype', 'title'].map(name => [
      name,
      // Half of a pair is nothing that Postgres keeps.
      cleanLine(metadata[name] ?? '')
        .slice(0, MAX_METADATA_VALUE)
        .toWellFormed(),
    ]),
  )
  await server.db.transaction().execute(async trx => {
    await lockAdmission(trx)
    const taken = (await promisedBytes(trx)) + (await awaitedBytes(trx))
    if ((await server.storage.freeBytes()) - taken < roomFor(length) + RESERVE_BYTES) throw DISK_FULL
    await createUpload(trx, {
      id: upload.id,
      title: makeTitle(metadata.title ?? '', filename),
      length,
      sourceKey: sourceKey(upload.id),
      metadata: metadataKept,
    })
  })
}

/** The given title, else the file's name without its extension. */
export function makeTitle(title: string, filename: string): string {
  const name =
    filename
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.[^.]{1,16}$/, '')
      .replaceAll('_', ' ') ?? ''
  const chosen = [...(cleanLine(title) || cleanLine(name) || 'Untitled')]
  return chosen.slice(0, MAX_TITLE).join('').trim()
}
