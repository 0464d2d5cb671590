// The uploads of this tab, as rows to show: Uppy's events in, one immutable list out. Lives beside the
// page, not in it, so that uploads go on while the person watches the feed.
import { callApi, readProblem } from '#app/live/api-client.ts'
import { checkFile, titleFromFileName } from '#app/upload/check-file.ts'
import { createUppy, fingerprintOf, type UploadUppy, uploadsPath } from '#app/upload/create-uppy.ts'
import { SpeedMeter } from '#app/upload/speed-meter.ts'
import {
  forgetSent,
  forgetUnfinished,
  listUnfinished,
  rememberSent,
  videoIdOf,
} from '#app/upload/upload-memory.ts'
import { isUnderway, makeRow, recallRows, type UploadRow } from '#app/upload/upload-row.ts'

export class UploadSession {
  #rows: readonly UploadRow[] = recallRows()
  readonly #listeners = new Set<() => void>()
  readonly #meters = new Map<string, SpeedMeter>()
  readonly #uppy: UploadUppy

  constructor() {
    this.#uppy = createUppy(() => this.#markWaiting())
    this.#followUppy()
    window.addEventListener('beforeunload', event => {
      if (this.#rows.some(isUnderway)) event.preventDefault()
    })
    window.addEventListener('offline', () => this.#markWaiting())
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly rows = (): readonly UploadRow[] => this.#rows

  add(files: Iterable<File>, maxBytes: number): void {
    const added = [...files].flatMap((file, index) => this.#addOne(file, index, maxBytes) ?? [])
    // Newest batch first, in the order chosen. Where one goes on with an upload from before a reload,
    // it takes that one's place.
    const continued = new Set(added.map(row => row.videoId).filter(id => id !== null))
    const others = this.#rows.filter(row => row.videoId === null || !continued.has(row.videoId))
    this.#publish([...added, ...others])
  }

  pauseOrResume({ fileId }: UploadRow): void {
    const isPaused = fileId === null ? undefined : this.#uppy.pauseResume(fileId)
    if (fileId === null || isPaused === undefined) return
    this.#meters.get(fileId)?.reset()
    this.#change(fileId, { phase: isPaused ? 'paused' : phaseByNetwork(), bytesPerSecond: null })
  }

  retry({ fileId }: UploadRow): void {
    if (fileId === null) return
    this.#change(fileId, { phase: phaseByNetwork(), problem: null })
    void this.#uppy.retryUpload(fileId) // what becomes of it comes as events
  }

  /** Stops it and has the server forget it. */
  cancel(row: UploadRow): void {
    if (row.fileId === null && row.videoId) void terminate(row.videoId)
    if (row.videoId) forgetUnfinished(row.videoId)
    this.dismiss(row)
  }

  /** Takes it off the list; a video that has arrived stays. */
  dismiss(row: UploadRow): void {
    if (row.previewUrl) URL.revokeObjectURL(row.previewUrl)
    if (row.videoId) forgetSent(row.videoId)
    // Uppy tells the server to drop what it has of an upload that was not finished.
    if (row.fileId) this.#letGo(row.fileId)
    this.#publish(this.#rows.filter(other => other.key !== row.key))
  }

  #addOne(file: File, index: number, maxBytes: number): UploadRow | null {
    const title = titleFromFileName(file.name)
    const about = { title, fileName: file.name, sizeBytes: file.size }
    const problem = checkFile(file, maxBytes)
    const key = `${Date.now()}-${index}`
    if (problem) return makeRow({ key, phase: 'refused', ...about, problem })

    let fileId: string
    try {
      fileId = this.#uppy.addFile({
        name: file.name,
        type: file.type,
        data: file,
        source: 'pgreel',
        meta: { filename: file.name, filetype: file.type, title },
      })
    } catch {
      return null // Uppy's RestrictionError for a file that is on the list already: it is on its way
    }
    this.#meters.set(fileId, new SpeedMeter())
    const previous = listUnfinished().find(upload => upload.fingerprint === fingerprintOf(fileId))
    const videoId = previous ? videoIdOf(previous.uploadUrl ?? '') : null
    const previewUrl = URL.createObjectURL(file)
    return makeRow({ key, fileId, phase: phaseByNetwork(), ...about, videoId, previewUrl })
  }

  #followUppy() {
    this.#uppy.on('upload-progress', (file, progress) => {
      if (file) this.#progress(file.id, progress.bytesUploaded)
    })
    this.#uppy.on('upload-success', (file, response) => {
      if (file) this.#finish(file.id, videoIdOf(response.uploadURL ?? ''))
    })
    this.#uppy.on('upload-error', (file, _error, response) => {
      if (!file) return
      const xhr = response?.body?.xhr
      const problem = xhr
        ? readProblem(xhr.status, xhr.responseText)
        : { code: 'unreachable', detail: 'The server could not be reached for a long time.' }
      const canRetry = xhr?.status !== 413 && xhr?.status !== 415
      this.#change(file.id, { phase: 'refused', problem, canRetry, bytesPerSecond: null })
    })
  }

  #progress(fileId: string, sentBytes: number) {
    const row = this.#rows.find(other => other.fileId === fileId)
    if (!row || row.phase === 'paused') return
    const meter = this.#meters.get(fileId)
    if (row.phase === 'waiting') meter?.reset()
    meter?.add(performance.now(), sentBytes)
    const uploadUrl = this.#uppy.getFile(fileId)?.tus?.uploadUrl
    this.#change(fileId, {
      phase: 'sending',
      sentBytes,
      bytesPerSecond: meter?.bytesPerSecond() ?? null,
      videoId: uploadUrl ? videoIdOf(uploadUrl) : row.videoId,
    })
  }

  #finish(fileId: string, videoId: string) {
    const row = this.#rows.find(other => other.fileId === fileId)
    if (!row) return
    rememberSent({ videoId, title: row.title, sizeBytes: row.sizeBytes })
    this.#change(fileId, {
      phase: 'sent',
      fileId: null,
      videoId,
      sentBytes: row.sizeBytes,
      bytesPerSecond: null,
    })
    // So that the same file may be uploaded again, as a new video. Not in this turn: while Uppy still
    // holds the upload, removing its file asks the server to delete what it has just received.
    setTimeout(() => this.#letGo(fileId))
  }

  #letGo(fileId: string) {
    this.#meters.delete(fileId)
    if (this.#uppy.getFile(fileId)) this.#uppy.removeFile(fileId)
  }

  #markWaiting() {
    for (const row of this.#rows) {
      if (row.phase === 'sending' && row.fileId)
        this.#change(row.fileId, { phase: 'waiting', bytesPerSecond: null })
    }
  }

  #change(fileId: string, changes: Partial<UploadRow>) {
    this.#publish(this.#rows.map(row => (row.fileId === fileId ? { ...row, ...changes } : row)))
  }

  #publish(rows: readonly UploadRow[]) {
    this.#rows = rows
    for (const listener of this.#listeners) listener()
  }
}

function phaseByNetwork(): 'sending' | 'waiting' {
  return navigator.onLine ? 'sending' : 'waiting'
}

/** Best effort: an upload nobody continues expires on the server anyway. */
async function terminate(videoId: string) {
  const headers = { 'Tus-Resumable': '1.0.0' }
  await callApi(`${uploadsPath}/${videoId}`, { method: 'DELETE', headers }).catch(() => null)
}
