// The tus data store: bytes in the storage's folder for sources, everything else in Postgres.
// It differs from the file store it extends where that one hides an error or forgets a row.
import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { FileStore } from '@tus/file-store'
import { Upload } from '@tus/utils'
import { z } from 'zod'
import { log } from '#app/log.ts'
import type { Server } from '#app/server.ts'
import {
  findUpload,
  type OpenUpload,
  removeOpenUpload,
  touchUpload,
  UPLOAD_EXPIRES_AFTER_MS,
} from '#db/uploads.ts'
import { writeBody } from './body.ts'
import { syncBehind } from './sync-behind.ts'

const uuid = z.uuid()
const NOTE_EVERY_MS = 60_000
const SYNC_EVERY_MS = 250

export const DISK_FULL = {
  status_code: 507,
  body: 'The server has no room for this file. Try again later, or tell its operator.',
}

export class UploadStore extends FileStore {
  readonly #server: Server

  constructor(server: Server) {
    super({
      directory: server.storage.sourcesDir,
      expirationPeriodInMilliseconds: UPLOAD_EXPIRES_AFTER_MS,
      configstore: {
        // Creation, with its checks, is one transaction in onUploadCreate, before any file exists.
        async set() {},
        async get(id) {
          const upload = await find(server, id)
          return upload ? asTus(id, upload, 0) : undefined
        },
        async delete(id) {
          await removeOpenUpload(server.db, id)
        },
      },
    })
    this.#server = server
    // Deferred lengths stay off: the disk an upload will need has to be known when it is admitted.
    this.extensions = ['creation', 'creation-with-upload', 'termination', 'expiration']
  }

  /** A finished upload has all its bytes for ever, also when its source is not kept (KEEP_SOURCE). */
  override async getUpload(id: string): Promise<Upload> {
    const upload = await find(this.#server, id)
    return upload?.isFinished ? asTus(id, upload, upload.length) : super.getUpload(id)
  }

  /** Keeps what arrived when the connection breaks, and throws the error as it is (see isDiskFull). */
  override async write(readable: Readable, id: string, offset: number): Promise<number> {
    const upload = await find(this.#server, id)
    if (upload?.isFinished) {
      readable.resume() // an empty PATCH at the end: there is nothing to write, and perhaps no file
      return upload.length
    }
    const file = path.join(this.directory, id)
    const note = async () => touchUpload(this.#server.db, id, (await stat(file)).size)
    const warn = (error: unknown) => log.warn({ err: error, videoId: id }, 'upload not noted')
    // At once and every minute: an upload must not expire while its bytes come, however slowly.
    await note()
    const noting = setInterval(() => void note().catch(warn), NOTE_EVERY_MS)
    const syncing = setInterval(() => void syncBehind(file), SYNC_EVERY_MS)
    try {
      await writeBody(readable, createWriteStream(file, { flags: 'r+', start: offset }))
    } finally {
      clearInterval(noting)
      clearInterval(syncing)
      void syncBehind(file) // clients may send many small PATCHes
      await note().catch(warn) // what the pipeline threw is what counts
    }
    return (await stat(file)).size
  }
}

async function find({ db }: Server, id: string): Promise<OpenUpload | null> {
  return uuid.safeParse(id).success ? findUpload(db, id) : null
}

function asTus(id: string, { length, metadata, isFinished, lastByteAt }: OpenUpload, offset: number): Upload {
  return new Upload({
    id,
    offset,
    size: length,
    metadata,
    // tus counts expiry from the creation; an upload that still gets bytes must not expire.
    // A finished one never does: its client may ask late whether the last byte came.
    creation_date: (isFinished ? new Date() : lastByteAt).toISOString(),
  })
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
