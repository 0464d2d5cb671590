// Errors by who must act. VideoError: the uploader (permanent, shown). WorldError: nobody, it is
// tried again. OurError and anything else that is thrown is ours.
import { isDatabaseAway } from '#db/client.ts'

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

/** Nobody's file and no passing trouble: a few more tries, then it is given up. */
export class OurError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

// What passes by itself: a full disk, a machine short of something.
const WORLD_ERRNO = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ESTALE', 'EROFS']
const TRANSACTION_ROLLBACK = /^40[0-9A-Z]{3}$/

/** Sorts what was thrown; errors of the file system that pass by themselves are the world's. */
export function sortFailure(error: unknown): {
  cause: 'video' | 'world' | 'ours'
  code: string
  message: string
} {
  if (error instanceof VideoError) return { cause: 'video', code: error.code, message: error.message }
  if (error instanceof WorldError) return { cause: 'world', code: error.code, message: error.message }
  if (error instanceof OurError) return { cause: 'ours', code: error.code, message: error.message }
  const message = error instanceof Error ? error.message : String(error)
  const errno = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (WORLD_ERRNO.includes(errno) || TRANSACTION_ROLLBACK.test(errno) || isDatabaseAway(error)) {
    return { cause: 'world', code: errno.toLowerCase() || 'connection', message }
  }
  return { cause: 'ours', code: 'internal', message }
}
