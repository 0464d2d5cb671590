// Errors by who must act. VideoError: the uploader (permanent, shown). WorldError: nobody, it is
// tried again. Anything else that is thrown is ours.

/** The file cannot become a video; `message` says why and what to do, in words for its uploader. */
export class VideoError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The machine or the storage hiccuped: a later try may succeed. */
export class WorldError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

// What passes by itself: a full disk, a machine short of something, a database that restarts.
const WORLD_ERRNO = [
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EAGAIN',
  'ESTALE',
  'EROFS',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENOTFOUND',
]
// Postgres: connection, transaction rollback, resources, operator intervention (SQLSTATE classes).
const WORLD_SQLSTATE = /^(08|40|53|57)[0-9A-Z]{3}$/
const CONNECTION_GONE = /connection terminated|timeout exceeded when trying to connect|connection ended/i

/** Sorts what was thrown; errors of the file system that pass by themselves are the world's. */
export function sortFailure(error: unknown): {
  cause: 'video' | 'world' | 'ours'
  code: string
  message: string
} {
  if (error instanceof VideoError) return { cause: 'video', code: error.code, message: error.message }
  if (error instanceof WorldError) return { cause: 'world', code: error.code, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  const errno = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (WORLD_ERRNO.includes(errno) || WORLD_SQLSTATE.test(errno) || CONNECTION_GONE.test(message)) {
    return { cause: 'world', code: errno.toLowerCase() || 'connection', message }
  }
  return { cause: 'ours', code: 'internal', message }
}
