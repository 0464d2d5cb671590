// One upload as the page shows it, and the rows a reload brings back. No Uppy in here.
import type { Problem } from '#app/live/api-client.ts'
import { checkFile, titleFromFileName } from '#app/upload/check-file.ts'
import type { Trouble } from '#app/upload/create-uppy.ts'
import { fileIdOf, listSent, listUnfinished, videoIdOf } from '#app/upload/upload-memory.ts'

/**
 * sending → sent; paused by the person; waiting for network or server; refused: it will not go on by
 * itself; unfinished: from before a reload, and browsers give no page a file twice: it must be chosen
 * again; elsewhere: another tab sends the same file.
 */
type UploadPhase = 'sending' | 'paused' | 'waiting' | 'sent' | 'refused' | 'unfinished' | 'elsewhere'

export interface UploadRow {
  key: string
  /** what words are kept under that are typed before the video has an id */
  draftKey: string
  /** Uppy's name for the file, until it has been sent */
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
  /** what it waits for */
  trouble: Trouble
  problem: Problem | null
  /** whether the same file may be accepted if tried again */
  canRetry: boolean
}

export function isUnderway(row: UploadRow): boolean {
  return isMoving(row) || row.phase === 'paused'
}

/** Or will, as soon as network and server let it. */
export function isMoving({ phase }: UploadRow): boolean {
  return phase === 'sending' || phase === 'waiting'
}

/** Else taking it off the list changes nothing but the list. */
export function canBeCancelled(row: UploadRow): boolean {
  return isUnderway(row) || row.phase === 'unfinished'
}

function makeRow(row: Partial<UploadRow> & Pick<UploadRow, 'key' | 'phase' | 'title'>): UploadRow {
  return {
    draftKey: row.fileId ?? row.videoId ?? row.key,
    fileId: null,
    fileName: row.title,
    sizeBytes: 0,
    sentBytes: 0,
    bytesPerSecond: null,
    videoId: null,
    previewUrl: null,
    trouble: 'network',
    problem: null,
    canRetry: false,
    ...row,
  }
}

/** A file that was just chosen; refused at once where that can be told. */
export function rowForFile(key: string, file: File, maxBytes: number): UploadRow {
  const about = { title: titleFromFileName(file.name), fileName: file.name, sizeBytes: file.size }
  const problem = checkFile(file, maxBytes)
  if (problem) return makeRow({ key, phase: 'refused', ...about, problem })
  return makeRow({ key, phase: phaseByNetwork(), ...about })
}

export function phaseByNetwork(): 'sending' | 'waiting' {
  return navigator.onLine ? 'sending' : 'waiting'
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
      fileId: fileIdOf(upload.fingerprint),
      draftKey: videoId,
    })
  })
  const sent = listSent().map(upload => makeRow({ ...upload, key: `sent-${upload.videoId}`, phase: 'sent' }))
  return [...unfinished, ...sent]
}
