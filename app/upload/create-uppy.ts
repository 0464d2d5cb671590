// Uppy with tus, set up for this server. The traps of both are closed here; rows and words are
// upload-session.ts's business.
import Uppy from '@uppy/core'
import { getSafeFileId } from '@uppy/core/utils'
import Tus, { type TusBody } from '@uppy/tus'
import { unfinishedUploads, uploadsPath } from '#app/upload/upload-memory.ts'

/** The names the server reads from Upload-Metadata. */
const metaFields = ['filename', 'filetype', 'title']

/** The server cuts requests that last minutes, and a proxy may cap bodies. */
const chunkBytes = 8 * 1024 * 1024

/** Quick at first, then every five seconds for most of an hour; progress starts it anew. */
const retryDelays = [500, 1000, 2000, 3000, ...Array.from({ length: 600 }, () => 5000)]

/** Answers that will not change by asking again. tus takes 4xx so by itself; a full disk is a 507. */
const refusals = [507]

export type UploadUppy = Uppy<Record<string, unknown>, TusBody>

/** Who must get better before an upload goes on. */
export type Trouble = 'network' | 'server'

/** @param onTrouble tus will try again by itself */
export function createUppy(onTrouble: (trouble: Trouble) => void): UploadUppy {
  // Two at a time: more would only make each of them slower to become watchable.
  return new Uppy<Record<string, unknown>, TusBody>({ id: 'pgreel', autoProceed: true }).use(Tus, {
    endpoint: uploadsPath,
    chunkSize: chunkBytes,
    limit: 2,
    retryDelays,
    allowedMetaFields: metaFields,
    urlStorage: unfinishedUploads,
    // Else the same file chosen again later would count as uploaded already, and make no new video.
    removeFingerprintOnSuccess: true,
    onShouldRetry(error, _attempt, _options, decide) {
      if (refusals.includes(error.originalResponse?.getStatus() ?? 0)) return false
      const willRetry = decide(error)
      // The request's own: a response that onAfterResponse throws on does not come with the error.
      const request: XMLHttpRequest | undefined = error.originalRequest?.getUnderlyingObject()
      const status = request?.status ?? 0
      // The rest, such as an upload that is still locked, is over in a moment.
      if (willRetry && (status === 0 || status >= 500 || status === 429)) {
        onTrouble(status === 0 ? 'network' : 'server')
      }
      return willRetry
    },
    // tus-js-client 4 takes any failure of the HEAD that resumes an upload as "it is gone" and creates
    // another: a restart of the server at that moment would make a second video. Thrown from here, it
    // counts as a failed request and is tried again.
    onAfterResponse(request, response) {
      const status = response.getStatus()
      if (request.getMethod() === 'HEAD' && (status >= 500 || status === 429)) {
        throw new Error(`The server answered ${status} to the question where the upload stands.`)
      }
    },
  })
}

/** Starts the upload. */
export function addToUppy(uppy: UploadUppy, file: File, title: string): void {
  const { name, type } = file
  uppy.addFile({ name, type, data: file, source: 'pgreel', meta: { filename: name, filetype: type, title } })
}

/** The id that addFile will give it: the same for the same file, in every tab. */
export function uppyIdOf(uppy: UploadUppy, file: File): string {
  const about = { name: file.name, type: file.type, data: file, isRemote: false as const, meta: {} }
  return getSafeFileId(about, uppy.getID())
}
