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
    for (const file of files) {
      const problem = checkFile(file, maxBytes)
      if (problem) {
        // Nobody's file to Uppy: a key of its own, as the same wrong file may be tried twice.
        const key = `refused-${Date.now()}-${this.#rows.length}`
        const title = titleFromFileName(file.name)
        const row = { key, phase: 'refused' as const, title, fileName: file.name, sizeBytes: file.size }
        this.#publish([makeRow({ ...row, problem }), ...this.#rows])
      } else {
        this.#send(file)
      }
    }
  }

  pauseOrResume(key: string): void {
    const isPaused = this.#uppy.pauseResume(key)
    if (isPaused === undefined) return
    this.#meters.get(key)?.reset()
    this.#change(key, { phase: isPaused ? 'paused' : phaseByNetwork(), bytesPerSecond: null })
  }

  retry(key: string): void {
    this.#change(key, { phase: phaseByNetwork(), problem: null })
    void this.#uppy.retryUpload(key) // what becomes of it comes as events
  }

  /** Stops it and has the server forget it. */
  cancel(row: UploadRow): void {
    const isUppys = this.#uppy.getFile(row.key) !== undefined
    if (isUppys) this.#uppy.removeFile(row.key)
    else if (row.videoId) void terminate(row.videoId)
    if (row.videoId) forgetUnfinished(row.videoId)
    this.dismiss(row)
  }

  /** Takes it off the list; the video, if there is one, stays. */
  dismiss(row: UploadRow): void {
    if (row.previewUrl) URL.revokeObjectURL(row.previewUrl)
    if (row.videoId) forgetSent(row.videoId)
    if (this.#uppy.getFile(row.key)) this.#uppy.removeFile(row.key)
    this.#meters.delete(row.key)
    this.#publish(this.#rows.filter(other => other.key !== row.key))
  }

  #send(file: File) {
    const title = titleFromFileName(file.name)
    let key: string
    try {
      key = this.#uppy.addFile({
        name: file.name,
        type: file.type,
        data: file,
        source: 'pgreel',
        meta: { filename: file.name, filetype: file.type, title },
      })
    } catch {
      return // Uppy's RestrictionError for a file that is on the list already: it is on its way
    }
    this.#meters.set(key, new SpeedMeter())
    // Where this goes on with an upload from before a reload, it takes that one's place on the list.
    const previous = listUnfinished().find(upload => upload.fingerprint === fingerprintOf(key))
    const videoId = previous ? videoIdOf(previous.uploadUrl ?? '') : null
    const others = this.#rows.filter(other => videoId === null || other.videoId !== videoId)
    const row = makeRow({
      key,
      phase: phaseByNetwork(),
      title,
      fileName: file.name,
      sizeBytes: file.size,
      videoId,
      previewUrl: URL.createObjectURL(file),
    })
    this.#publish([row, ...others])
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

  #progress(key: string, sentBytes: number) {
    const row = this.#rows.find(other => other.key === key)
    if (!row || row.phase === 'paused') return
    const meter = this.#meters.get(key)
    if (row.phase === 'waiting') meter?.reset()
    meter?.add(performance.now(), sentBytes)
    const uploadUrl = this.#uppy.getFile(key)?.tus?.uploadUrl
    this.#change(key, {
      phase: 'sending',
      sentBytes,
      bytesPerSecond: meter?.bytesPerSecond() ?? null,
      videoId: uploadUrl ? videoIdOf(uploadUrl) : row.videoId,
    })
  }

  #finish(key: string, videoId: string) {
    const row = this.#rows.find(other => other.key === key)
    if (!row) return
    rememberSent({ videoId, title: row.title, sizeBytes: row.sizeBytes })
    this.#change(key, { phase: 'sent', videoId, sentBytes: row.sizeBytes, bytesPerSecond: null })
    // So that the same file may be uploaded again, as a new video: Uppy lets go of it and the row gets
    // a key of its own. Not in this turn: while Uppy still holds the upload, removing its file asks
    // the server to delete what it has just received.
    setTimeout(() => {
      this.#change(key, { key: `sent-${videoId}` })
      this.#meters.delete(key)
      if (this.#uppy.getFile(key)) this.#uppy.removeFile(key)
    })
  }

  #markWaiting() {
    for (const row of this.#rows) {
      if (row.phase === 'sending') this.#change(row.key, { phase: 'waiting', bytesPerSecond: null })
    }
  }

  #change(key: string, changes: Partial<UploadRow>) {
    this.#publish(this.#rows.map(row => (row.key === key ? { ...row, ...changes } : row)))
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
