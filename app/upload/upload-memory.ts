// What this browser remembers of its uploads, so that a reload loses none: where each unfinished one
// continues (tus asks for that), and which have been sent in the last day; and which videos are its own.
// One entry a video: tabs write side by side.
import type { TusOptions } from '@uppy/tus'

export const uploadsPath = '/api/uploads'

const unfinishedPrefix = 'pgreel.unfinished.'
const sentPrefix = 'pgreel.sent.'
const ownPrefix = 'pgreel.own.'

type UrlStorage = NonNullable<TusOptions<Record<string, never>, Record<string, never>>['urlStorage']>
type PreviousUpload = Awaited<ReturnType<UrlStorage['findAllUploads']>>[number]
type UnfinishedUpload = PreviousUpload & { fingerprint: string }

export interface SentUpload {
  videoId: string
  title: string
  sizeBytes: number
  /** milliseconds since 1970 */
  sentAt: number
}

/** Then even what has come to a good end is off the list. */
const listedMilliseconds = 24 * 3_600_000

/** tus's memory. Its own would do, but its keys are random: this one is one entry a video. */
export const unfinishedUploads: UrlStorage = {
  async findAllUploads() {
    return readAll<UnfinishedUpload>(unfinishedPrefix)
  },
  async findUploadsByFingerprint(fingerprint) {
    return readAll<UnfinishedUpload>(unfinishedPrefix).filter(upload => upload.fingerprint === fingerprint)
  },
  async removeUpload(key) {
    localStorage.removeItem(key)
  },
  async addUpload(fingerprint, upload) {
    const videoId = videoIdOf(upload.uploadUrl ?? '')
    write(ownPrefix + videoId, true)
    const key = unfinishedPrefix + videoId
    write(key, { ...upload, fingerprint, urlStorageKey: key })
    return key
  },
}

export function listUnfinished(): UnfinishedUpload[] {
  return readAll<UnfinishedUpload>(unfinishedPrefix)
}

export function forgetUnfinished(videoId: string): void {
  localStorage.removeItem(unfinishedPrefix + videoId)
}

export function rememberSent(upload: SentUpload): void {
  write(sentPrefix + upload.videoId, upload)
}

export function listSent(): SentUpload[] {
  const [kept, old] = [[] as SentUpload[], [] as SentUpload[]]
  for (const upload of readAll<SentUpload>(sentPrefix))
    (Date.now() - upload.sentAt < listedMilliseconds ? kept : old).push(upload)
  for (const { videoId } of old) forgetSent(videoId)
  return kept.sort((a, b) => b.sentAt - a.sentAt)
}

export function forgetSent(videoId: string): void {
  localStorage.removeItem(sentPrefix + videoId)
}

/** For good: also when it has long been ready. */
export function isOwnUpload(videoId: string): boolean {
  return localStorage.getItem(ownPrefix + videoId) !== null
}

/** How @uppy/tus 6 names a file in the upload memory (its getFingerprint.ts). */
export function fingerprintOf(fileId: string): string {
  return `tus-${fileId}-${uploadsPath}`
}

export function fileIdOf(fingerprint: string): string {
  return fingerprint.slice('tus-'.length, -`-${uploadsPath}`.length)
}

/** The video that an unfinished upload of this file goes on as, in whatever tab it was begun. */
export function unfinishedVideoOf(fileId: string): string | null {
  const upload = listUnfinished().find(({ fingerprint }) => fingerprint === fingerprintOf(fileId))
  return upload ? videoIdOf(upload.uploadUrl ?? '') : null
}

/** A tus upload's address ends in its video's id. */
export function videoIdOf(uploadUrl: string): string {
  return uploadUrl.split('?')[0]?.split('/').at(-1) ?? ''
}

function write(key: string, value: unknown) {
  try {
    localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // QuotaExceededError, or storage is off: the upload itself works, only a reload will not know it.
  }
}

function readAll<T>(prefix: string): T[] {
  return Object.keys(localStorage)
    .filter(key => key.startsWith(prefix))
    .flatMap(key => {
      try {
        const value: T = JSON.parse(localStorage.getItem(key) ?? '')
        return [value]
      } catch {
        return [] // SyntaxError: not written by us, or cut short
      }
    })
}
