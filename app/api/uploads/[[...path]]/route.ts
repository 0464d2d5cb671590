// /api/uploads: resumable uploads, tus 1.0.0 (https://tus.io/protocols/resumable-upload).
import { Server as TusServer } from '@tus/server'
import { route } from '#app/answer.ts'
import { describeBytes } from '#app/live/words.ts'
import { log } from '#app/log.ts'
import { type ProblemCode, problem } from '#app/problem.ts'
import { type Server, server } from '#app/server.ts'
import { giveTurnBack, takeTurn } from '#db/upload-rates.ts'
import { findUpload, removeOpenUpload } from '#db/uploads.ts'
import { sourceKey } from '#media/keys.ts'
import { admit } from '../admission.ts'
import { withoutBytes } from '../body.ts'
import { clientOfRequest } from '../client.ts'
import { finishUpload } from '../finish.ts'
import { LineLocker } from '../locker.ts'
import { DISK_FULL, isDiskFull, UploadStore } from '../store.ts'

export const dynamic = 'force-dynamic'

const holder = globalThis as typeof globalThis & { pgreelTus?: WeakMap<Server, TusServer> }

function tusFor(own: Server): TusServer {
  holder.pgreelTus ??= new WeakMap()
  let tus = holder.pgreelTus.get(own)
  if (!tus) {
    tus = new TusServer({
      path: '/api/uploads',
      datastore: new UploadStore(own),
      locker: new LineLocker(),
      maxSize: own.config.maxUploadBytes,
      // Browsers: pages of this site only.
      allowedOrigins: [],
      // Right behind any proxy and scheme, with no header to trust.
      relativeLocation: true,
      // A finished upload is a video: it is deleted through the API, or not at all.
      disableTerminationForFinishedUploads: true,
      namingFunction: () => crypto.randomUUID(),
      onUploadCreate: async (request, upload) => {
        await admit(own, upload)
        admitted.set(request, upload.id)
        return {}
      },
      onUploadFinish: async (_request, upload) => {
        await finishUpload(own, upload.id)
        return {}
      },
      onResponseError: (_request, error) => {
        if (isDiskFull(error)) return DISK_FULL
        // What tus does not know is explained as everywhere else.
        if (error instanceof Error && !('status_code' in error)) throw error
        return undefined
      },
    })
    holder.pgreelTus.set(own, tus)
  }
  return tus
}

const TUS = { 'Tus-Resumable': '1.0.0', 'Tus-Version': '1.0.0' }

/** Which upload a request has created, for as long as it runs. */
const admitted = new WeakMap<Request, string>()

async function speakTus(request: Request): Promise<Response> {
  // tus answers 400 to another version; the protocol says 412 and which one it would be.
  if (request.method !== 'OPTIONS' && request.headers.get('Tus-Resumable') !== '1.0.0') {
    return problem(412, 'tus_version', 'Send Tus-Resumable: 1.0.0.', TUS)
  }
  const own = await server()
  const client =
    request.method === 'POST' ? clientOfRequest(request.headers, own.config.publicUrl !== null) : null
  const limited = client !== null && (await refuseTooMany(own, client))
  if (limited) return limited
  let response: Response | undefined
  try {
    response = await tusFor(own).handleWeb(withoutBytes(request))
  } finally {
    if (!response?.ok) await release(own, client, admitted.get(request))
  }
  if (!response.ok) return refuse(response, request, own)
  if (request.method === 'HEAD') {
    // A client may take "offset = length" for success: then the video has to be queued as well.
    const { headers } = response
    if (headers.get('Upload-Offset') === headers.get('Upload-Length')) await finishUpload(own, idOf(request))
  }
  return response
}

/** Before a byte of it is read. @returns null when there are not too many */
async function refuseTooMany({ db, config }: Server, client: string): Promise<Response | null> {
  const { uploadsPerHour } = config
  if (uploadsPerHour === null) return null
  const seconds = await takeTurn(db, client, uploadsPerHour)
  if (seconds === 0) return null
  const detail = `More than ${uploadsPerHour} uploads an hour came from your address. Go on in ${seconds} seconds.`
  return problem(429, 'rate_limited', detail, { ...TUS, 'Retry-After': String(seconds) })
}

/**
 * A client whose creation failed never hears of the upload: the room it was promised is free again at
 * once, not in a day, and its turn is its own again.
 */
async function release(
  { db, storage, config: { uploadsPerHour } }: Server,
  client: string | null,
  id: string | undefined,
): Promise<void> {
  try {
    if (client !== null && uploadsPerHour !== null) await giveTurnBack(db, client, uploadsPerHour)
    if (id !== undefined && (await removeOpenUpload(db, id))) await storage.remove(sourceKey(id))
  } catch (error) {
    log.warn({ err: error, videoId: id }, 'failed upload not removed, the sweep will')
  }
}

const CODES: Record<number, [code: ProblemCode, detail: string]> = {
  400: ['bad_upload_request', 'The upload request is not well formed.'],
  403: ['bad_upload_request', 'The upload request is not allowed at this offset or state.'],
  404: ['upload_not_found', 'There is no such upload; it may have been cancelled. Start again.'],
  409: [
    'offset_conflict',
    'The server has another number of bytes. Ask for the offset and go on from there.',
  ],
  410: ['upload_gone', 'The upload has expired. Start again.'],
  415: ['not_a_video', ''],
  423: ['upload_busy', 'Another request still works on this upload. Try again in a moment.'],
  507: ['disk_full', ''],
}

/** tus answers in plain text; our errors are problems, with its headers. */
async function refuse(response: Response, request: Request, own: Server): Promise<Response> {
  const said = (await response.text()).trim()
  const headers = new Headers(response.headers)
  headers.delete('Content-Length')
  if (response.status === 413) return problem(413, 'too_large', await tooLarge(request, own), headers)
  // "Not implemented" is the client's to mend: we want the length at once.
  const status = response.status === 501 ? 400 : response.status
  const [code, sentence] = CODES[status] ?? ['internal', 'Something went wrong here. Try again in a moment.']
  const detail = `${sentence || said}${status < 412 && said ? ` (${said})` : ''}`
  return problem(status, code, detail, headers)
}

async function tooLarge(request: Request, { db, config }: Server): Promise<string> {
  const declared =
    request.method === 'POST'
      ? Number(request.headers.get('Upload-Length'))
      : ((await findUpload(db, idOf(request)))?.length ?? 0)
  if (declared > config.maxUploadBytes) {
    return `The file is too large. At most ${describeBytes(config.maxUploadBytes)} is allowed.`
  }
  return `More bytes came than the ${declared} that were declared for this upload (Upload-Length). Send exactly those.`
}

function idOf(request: Request): string {
  return new URL(request.url).pathname.split('/').at(-1) ?? ''
}

// GET is not among them: the bytes of a source are nobody's to fetch.
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({
  ...{ HEAD: speakTus, POST: speakTus, PATCH: speakTus, DELETE: speakTus, OPTIONS: speakTus },
})
