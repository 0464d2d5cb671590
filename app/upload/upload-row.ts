// One upload as the page shows it, and the rows a reload brings back. No Uppy in here.
import type { Problem } from '#app/live/api-client.ts'
import { listSent, listUnfinished, videoIdOf } from '#app/upload/upload-memory.ts'

/**
 * sending → sent; paused by the person; waiting for the network; refused: it will not go on by itself;
 * unfinished: from before a reload, and browsers give no page a file twice: it must be chosen again.
 */
type UploadPhase = 'sending' | 'paused' | 'waiting' | 'sent' | 'refused' | 'unfinished'

export interface UploadRow {
  key: string
  /** Uppy's, while it holds the file */
  fileId: string | null
  phase: UploadPhase
  fileName: string
  title: string
  sizeBytes: number
  sentBytes: number
  bytesPerSecond: number | null
  /** known once the upload was created */
  videoId: string | null
  /** the file itself, played from this device */
  previewUrl: string | null
  problem: Problem | null
  /** whether the same file may be accepted if tried again */
  canRetry: boolean
}

export function isUnderway(row: UploadRow): boolean {
  return row.phase === 'sending' || row.phase === 'waiting' || row.phase === 'paused'
}

export function makeRow(row: Partial<UploadRow> & Pick<UploadRow, 'key' | 'phase' | 'title'>): UploadRow {
  return {
    fileId: null,
    fileName: row.title,
    sizeBytes: 0,
    sentBytes: 0,
    bytesPerSecond: null,
    videoId: null,
    previewUrl: null,
    problem: null,
    canRetry: false,
    ...row,
  }
}

/** What was under way when the page was last left. */
export function recallRows(): UploadRow[] {
  const unfinished = listUnfinished().map(upload => {
    const videoId = videoIdOf(upload.uploadUrl ?? '')
    const fileName = upload.metadata.filename ?? 'a file'
    return makeRow({
      key: `unfinished-${videoId}`,
      phase: 'unfinished',
      title: upload.metadata.title ?? fileName,
      fileName,
      sizeBytes: upload.size ?? 0,
      videoId,
    })
  })
  const sent = listSent().map(upload => makeRow({ ...upload, key: `sent-${upload.videoId}`, phase: 'sent' }))
  return [...unfinished, ...sent]
}
