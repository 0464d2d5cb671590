// Which uploads are let in: judged by what the client declares, before a byte is sent. What is
// really in the file, the worker's probe finds out.
import type { Upload } from '@tus/utils'
import type { Server } from '#app/server.ts'
import { isVideo } from '#app/upload/video-file.ts'
import { createUpload, outstandingBytes } from '#db/uploads.ts'
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
  const free = (await server.storage.freeBytes()) - (await outstandingBytes(server.db))
  if (free < length + RESERVE_BYTES) throw DISK_FULL
  await server.db.transaction().execute(trx =>
    createUpload(trx, {
      id: upload.id,
      title: makeTitle(metadata.title ?? '', filename),
      length,
      sourceKey: sourceKey(upload.id),
      metadata: Object.fromEntries(
        ['filename', 'filetype', 'title'].map(name => [
          name,
          clean(metadata[name] ?? '').slice(0, MAX_METADATA_VALUE),
        ]),
      ),
    }),
  )
}

/** The given title, else the file's name without its extension. */
export function makeTitle(title: string, filename: string): string {
  const name =
    filename
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.[^.]{1,16}$/, '')
      .replaceAll('_', ' ') ?? ''
  const chosen = [...(clean(title) || clean(name) || 'Untitled')]
  return chosen.slice(0, MAX_TITLE).join('').trim()
}

// Control and bidirectional formatting characters (and NUL, which Postgres refuses in text): they
// make a title say on a page what it does not say.
const INVISIBLE = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

function clean(text: string): string {
  return text.replace(INVISIBLE, ' ').replace(/\s+/g, ' ').trim()
}
