// /api/uploads: resumable uploads, tus 1.0.0 (https://tus.io/protocols/resumable-upload).
import { MemoryLocker, Server as TusServer } from '@tus/server'
import { describeBytes } from '#app/live/words.ts'
import { log } from '#app/log.ts'
import { answerOwn, problem } from '#app/problem.ts'
import { type Server, server } from '#app/server.ts'
import { admit } from '../admission.ts'
import { finishUpload } from '../finish.ts'
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
      locker: new MemoryLocker(),
      maxSize: own.config.maxUploadBytes,
      // Browsers: pages of this site only.
      allowedOrigins: [],
      // Right behind any proxy and scheme, with no header to trust.
      relativeLocation: true,
      // A finished upload is a video: it is deleted through the API, or not at all.
      disableTerminationForFinishedUploads: true,
      namingFunction: () => crypto.randomUUID(),
      onUploadCreate: async (_request, upload) => {
        await admit(own, upload)
        return {}
      },
      onUploadFinish: async (_request, upload) => {
        await finishUpload(own, upload.id)
        return {}
      },
      onResponseError: (_request, error) => {
        if (isDiskFull(error)) return DISK_FULL
        if (error instanceof Error && !('status_code' in error)) log.error({ err: error }, 'upload failed')
        return undefined
      },
    })
    holder.pgreelTus.set(own, tus)
  }
  return tus
}

function handle(request: Request): Promise<Response> {
  return answerOwn(request, () => speakTus(request))
}

async function speakTus(request: Request): Promise<Response> {
  let own: Server
  try {
    own = await server()
  } catch (error) {
    log.error({ err: error }, 'upload refused')
    return problem(
      503,
      'database_unreachable',
      'The server is not ready. The upload goes on when it is back.',
    )
  }
  const response = await tusFor(own).handleWeb(request)
  if (response.status >= 400) return explain(response, own)
  if (request.method === 'HEAD') {
    // A client may take "offset = length" for success: then the video has to be queued as well.
    const { headers } = response
    const id = new URL(request.url).pathname.split('/').at(-1)
    if (id && headers.get('Upload-Offset') === headers.get('Upload-Length')) await finishUpload(own, id)
  }
  return response
}

const CODES: Record<number, [code: string, detail: string]> = {
  400: ['bad_upload_request', 'The upload request is not well formed.'],
  403: ['bad_upload_request', 'The upload request is not allowed at this offset or state.'],
  404: ['upload_not_found', 'There is no such upload; it may have been cancelled. Start again.'],
  409: [
    'offset_conflict',
    'The server has another number of bytes. Ask for the offset and go on from there.',
  ],
  410: ['upload_gone', 'The upload has expired. Start again.'],
  412: ['tus_version', 'Send Tus-Resumable: 1.0.0.'],
  413: ['too_large', 'The file is too large.'],
  415: ['not_a_video', ''],
  507: ['disk_full', ''],
}

/** tus answers in plain text; our errors are problems, with its headers. */
async function explain(response: Response, { config }: Server): Promise<Response> {
  const said = (await response.text()).trim()
  // "Not implemented" is the client's to mend: we want the length at once.
  const status = response.status === 501 ? 400 : response.status
  const [code, sentence] = CODES[status] ?? ['internal', 'Something went wrong here. Try again in a moment.']
  const limit = status === 413 ? ` At most ${describeBytes(config.maxUploadBytes)} is allowed.` : ''
  const detail = `${sentence || said}${limit}${status < 412 && said ? ` (${said})` : ''}`
  const headers = new Headers(response.headers)
  headers.delete('Content-Length')
  return problem(status, code, detail, headers)
}

// The bytes of a source are nobody's to fetch.
const noGet = () =>
  problem(405, 'method_not_allowed', 'An upload cannot be read.', { Allow: 'POST, HEAD, PATCH, DELETE' })

export { handle as DELETE, handle as HEAD, handle as OPTIONS, handle as PATCH, handle as POST, noGet as GET }
