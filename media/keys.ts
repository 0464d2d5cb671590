// Ids to storage keys, and keys to URLs. Pure: must not know where or how bytes are stored.
//
//   sources/<videoId>                   the upload; never served
//   videos/<videoId>/<token>/<name>…    what one attempt published; immutable once written

// Lower case only, so that no two keys name one file where the file system ignores case.
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
// No leading dot (`.`, `..`, hidden temporary folders), no `~` (reserved for signed URLs), no
// separator, percent sign, NUL or control character of any kind, on any operating system.
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const MAX_SEGMENTS = 8

/** Where the bytes of an upload are; its last segment is the tus upload's id. */
export function sourceKey(videoId: string): string {
  return `sources/${uuid(videoId)}`
}

/** Everything published for a video lies under this prefix. */
export function videoPrefix(videoId: string): string {
  return `videos/${uuid(videoId)}`
}

/** Everything one attempt published: written in one step, removed in one step. */
export function attemptPrefix(videoId: string, token: string): string {
  return `${videoPrefix(videoId)}/${uuid(token)}`
}

/** One published file; `name` may contain folders, as in `720/index.m3u8`. */
export function attemptKey(videoId: string, token: string, name: string): string {
  const key = `${attemptPrefix(videoId, token)}/${name}`
  if (!isPublicKey(key)) throw new Error(`"${name}" cannot be the name of a published file`)
  return key
}

/** Whether a key stays inside a storage whatever is behind it: plain names between slashes. */
export function isSafeKey(key: string): boolean {
  const segments = key.split('/')
  return segments.length <= MAX_SEGMENTS && segments.every(segment => SEGMENT.test(segment))
}

/** Whether the bytes behind a key may be served to anyone: published files, nothing else. */
export function isPublicKey(key: string): boolean {
  const [top, videoId, token, ...name] = key.split('/')
  return top === 'videos' && isUuid(videoId) && isUuid(token) && name.length > 0 && isSafeKey(key)
}

/** The ids in a key, or null when no video or attempt can own it. `token` is null for a source. */
export function ownerOf(key: string): { videoId: string; token: string | null } | null {
  const [top, videoId, token] = key.split('/')
  if (isPublicKey(key) && videoId && token) return { videoId, token }
  return top === 'sources' && videoId && key === `sources/${videoId}` && isUuid(videoId)
    ? { videoId, token: null }
    : null
}

/**
 * The one place where URLs of stored bytes are made.
 * @param baseUrl origin (and path) without a closing slash, such as a CDN's; '' for this site
 */
export function mediaUrl(baseUrl: string, key: string): string {
  if (!isPublicKey(key)) throw new Error(`"${key}" is not a key that may be served`)
  return `${baseUrl}/media/${key}`
}

function uuid(id: string): string {
  if (!isUuid(id)) throw new Error(`"${id}" is not a lower-case uuid`)
  return id
}

function isUuid(text: string | undefined): boolean {
  return text !== undefined && UUID.test(text)
}
