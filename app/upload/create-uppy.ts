// Uppy with tus, set up for this server. The traps of both are closed here; rows and words are
// upload-session.ts's business.
import Uppy from '@uppy/core'
import Tus, { type TusBody } from '@uppy/tus'
import { unfinishedUploads } from '#app/upload/upload-memory.ts'

export const uploadsPath = '/api/uploads'

/** The names the server reads from Upload-Metadata. */
const metaFields = ['filename', 'filetype', 'title']

/** The server cuts requests that last minutes, and a proxy may cap bodies. */
const chunkBytes = 8 * 1024 * 1024

/** Quick at first, then every five seconds for most of an hour; progress starts it anew. */
const retryDelays = [500, 1000, 2000, 3000, ...Array.from({ length: 600 }, () => 5000)]

/** Answers that will not change by asking again. tus takes 4xx so by itself; a full disk is a 507. */
const refusals = [507]

export type UploadUppy = Uppy<Record<string, unknown>, TusBody>

/** @param onTrouble the connection or the server failed, and tus will try again by itself */
export function createUppy(onTrouble: () => void): UploadUppy {
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
      if (willRetry) onTrouble()
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

/** How @uppy/tus 6 names a file in the upload memory (its getFingerprint.ts). */
export function fingerprintOf(uppyFileId: string): string {
  return ['tus', uppyFileId, uploadsPath].join('-')
}
