// The uploads of this tab, as rows to show: Uppy's events in, one immutable list out. Lives beside the
// page, not in it, so that uploads go on while the person watches the feed.
import { readProblem } from '#app/live/api-client.ts'
import { addToUppy, createUppy, type Trouble, type UploadUppy, uppyIdOf } from '#app/upload/create-uppy.ts'
import { FileLock } from '#app/upload/file-lock.ts'
import { onReturn } from '#app/upload/on-return.ts'
import { findVideo, terminate } from '#app/upload/requests.ts'
import { RowList } from '#app/upload/row-list.ts'
import { SpeedMeter } from '#app/upload/speed-meter.ts'
import {
  fingerprintOf,
  forgetSent,
  forgetUnfinished,
  rememberSent,
  unfinishedVideoOf,
  videoIdOf,
} from '#app/upload/upload-memory.ts'
import { isMoving, isUnderway, phaseByNetwork, rowForFile, type UploadRow } from '#app/upload/upload-row.ts'
import { WakeLock } from '#app/upload/wake-lock.ts'

/** What goes with a row until it has been sent; without the file after a reload. */
interface Held {
  file: File | null
  lock: FileLock
  meter: SpeedMeter
  /** when the last byte went, monotonic milliseconds */
  movedAt: number
}

/** What still moves by then after a person came back need not be begun again. */
const patienceMilliseconds = 1200

export class UploadSession {
  readonly rows = new RowList()
  readonly #held = new Map<string, Held>()
  readonly #uppy: UploadUppy

  constructor() {
    this.#uppy = createUppy(trouble => this.#markWaiting(trouble))
    this.#followUppy()
    window.addEventListener('beforeunload', event => {
      if (this.rows.all().some(isUnderway)) event.preventDefault()
    })
    window.addEventListener('offline', () => this.#markWaiting('network'))
    // Another tab has created its upload.
    window.addEventListener('storage', () => {
      for (const { fileId, phase, videoId } of this.rows.all()) {
        if (fileId && phase === 'elsewhere' && !videoId) {
          this.rows.change(fileId, { videoId: unfinishedVideoOf(fileId) })
        }
      }
    })
    for (const { fileId } of this.rows.all()) if (fileId) void this.#begin(fileId, null)
    const awake = new WakeLock()
    this.rows.subscribe(() => awake.want(this.rows.all().some(isMoving)))
    onReturn(() => this.#goOn())
  }

  /** Back from the background or from no network: what waits to be tried again is tried now. */
  #goOn() {
    const since = performance.now()
    for (const { fileId, phase } of this.rows.all().filter(isMoving)) {
      if (phase === 'waiting') this.#kick(fileId)
      // A request that died while nobody looked may look alive for minutes.
      else setTimeout(() => this.#kick(fileId, since), patienceMilliseconds)
    }
  }

  /** @param unlessMovedSince monotonic milliseconds */
  #kick(fileId: string | null, unlessMovedSince = Infinity) {
    const row = fileId === null ? undefined : this.rows.find(fileId)
    const held = fileId === null ? undefined : this.#held.get(fileId)
    if (!fileId || !row || !held || !isMoving(row) || !navigator.onLine) return
    if (held.movedAt > unlessMovedSince || !this.#isSent(fileId)) return
    this.#uppy.pauseResume(fileId)
    this.#uppy.pauseResume(fileId)
  }

  add(files: Iterable<File>, maxBytes: number): void {
    const added: UploadRow[] = []
    const begun: [fileId: string, file: File][] = []
    for (const [index, file] of [...files].entries()) {
      const row = rowForFile(`${Date.now()}-${index}`, file, maxBytes)
      const fileId = uppyIdOf(this.#uppy, file)
      if (row.problem) {
        added.push(row)
      } else if (!this.#held.get(fileId)?.file && !begun.some(([id]) => id === fileId)) {
        const previewUrl = URL.createObjectURL(file)
        const videoId = unfinishedVideoOf(fileId)
        added.push({ ...row, fileId, previewUrl, videoId, draftKey: videoId ?? fileId })
        begun.push([fileId, file])
      }
    }
    // Newest batch first, in the order chosen. Where one goes on with an upload from before a reload,
    // it takes that one's place.
    const others = this.rows.all().filter(row => !begun.some(([fileId]) => fileId === row.fileId))
    this.rows.replace([...added, ...others])
    for (const [fileId, file] of begun) void this.#begin(fileId, file)
  }

  pauseOrResume({ fileId }: UploadRow): void {
    if (fileId === null || !this.#uppy.getFile(fileId)) return
    const isPaused = this.#uppy.pauseResume(fileId)
    this.#held.get(fileId)?.meter.reset()
    this.rows.change(fileId, { phase: isPaused ? 'paused' : phaseByNetwork(), bytesPerSecond: null })
  }

  retry({ fileId }: UploadRow): void {
    if (fileId === null) return
    if (this.#uppy.getFile(fileId)) this.#send(fileId)
    else void this.#follow(fileId)
  }

  /** Takes the upload away from the tab that sends it, and goes on with it here. */
  async takeOver({ fileId }: UploadRow): Promise<void> {
    if (fileId && (await this.#lock(fileId, 'by force'))) this.#send(fileId)
  }

  /** Stops it and has the server forget it. */
  cancel(row: UploadRow): void {
    if (row.videoId && !(row.fileId && this.#uppy.getFile(row.fileId))) void terminate(row.videoId)
    if (row.videoId) forgetUnfinished(row.videoId)
    this.dismiss(row)
  }

  /** Takes it off the list; a video that has arrived stays, and so does one that another tab sends. */
  dismiss(row: UploadRow): void {
    if (row.previewUrl) URL.revokeObjectURL(row.previewUrl)
    if (row.videoId) forgetSent(row.videoId)
    if (row.fileId) this.#letGo(row.fileId, row.phase !== 'elsewhere')
    this.rows.replace(this.rows.all().filter(other => other.key !== row.key))
  }

  /** Sends it, or goes on, unless another tab does. Without its file it can only wait to be chosen. */
  async #begin(fileId: string, file: File | null) {
    this.#held.get(fileId)?.lock.release()
    this.#held.set(fileId, {
      file,
      lock: new FileLock(fingerprintOf(fileId)),
      meter: new SpeedMeter(),
      movedAt: 0,
    })
    if (await this.#lock(fileId, 'if free')) this.#send(fileId)
    else await this.#follow(fileId)
  }

  /** Waits until another tab is done with it or gone, and takes up what is left. */
  async #follow(fileId: string) {
    this.rows.change(fileId, { phase: 'elsewhere', bytesPerSecond: null, problem: null })
    if (!(await this.#lock(fileId, 'when free'))) return // dismissed or taken over meanwhile
    const row = this.rows.find(fileId)
    if (!row?.videoId) return this.#send(fileId)
    const video = await findVideo(row.videoId)
    if (video && video.status !== 'uploading') {
      this.#finish(fileId, row.videoId)
    } else if (unfinishedVideoOf(fileId)) {
      this.#send(fileId)
    } else {
      this.#held.get(fileId)?.lock.release()
      const problem = { code: 'cancelled', detail: 'The upload was cancelled in another tab.' }
      this.rows.change(fileId, {
        phase: 'refused',
        problem,
        canRetry: row.previewUrl !== null,
        videoId: null,
      })
    }
  }

  /** @returns whether this tab may send it now */
  async #lock(fileId: string, how: Parameters<FileLock['take']>[0]): Promise<boolean> {
    const held = this.#held.get(fileId)
    const isOurs = await held?.lock.take(how, () => {
      if (this.#isSent(fileId)) this.#uppy.pauseResume(fileId)
      void this.#follow(fileId)
    })
    return isOurs === true && this.#held.get(fileId) === held
  }

  #send(fileId: string) {
    const held = this.#held.get(fileId)
    const row = this.rows.find(fileId)
    if (!held || !row) return
    if (!held.file) {
      held.lock.release()
      return this.rows.change(fileId, { phase: 'unfinished' })
    }
    const known = this.#uppy.getFile(fileId)
    this.rows.change(fileId, { phase: phaseByNetwork(), problem: null })
    // What becomes of it comes as events.
    if (known?.error) void this.#uppy.retryUpload(fileId)
    else if (known?.isPaused) this.#uppy.pauseResume(fileId)
    else if (!known) addToUppy(this.#uppy, held.file, row.title)
  }

  /** By this tab, just now. Uppy says nothing of a file that never was paused. */
  #isSent(fileId: string): boolean {
    const file = this.#uppy.getFile(fileId)
    return file !== undefined && !file.isPaused
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
      this.rows.change(file.id, { phase: 'refused', problem, canRetry, bytesPerSecond: null })
    })
  }

  #progress(fileId: string, sentBytes: number) {
    const row = this.rows.find(fileId)
    if (!row || row.phase === 'paused' || row.phase === 'elsewhere') return
    const held = this.#held.get(fileId)
    const meter = held?.meter
    if (held) held.movedAt = performance.now()
    if (row.phase === 'waiting') meter?.reset()
    meter?.add(performance.now(), sentBytes)
    const uploadUrl = this.#uppy.getFile(fileId)?.tus?.uploadUrl
    this.rows.change(fileId, {
      phase: 'sending',
      sentBytes,
      bytesPerSecond: meter?.bytesPerSecond() ?? null,
      videoId: uploadUrl ? videoIdOf(uploadUrl) : row.videoId,
    })
  }

  #finish(fileId: string, videoId: string) {
    const row = this.rows.find(fileId)
    if (!row) return
    rememberSent({ videoId, title: row.title, sizeBytes: row.sizeBytes, sentAt: Date.now() })
    this.rows.change(fileId, {
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

  #letGo(fileId: string, isOurs = true) {
    this.#held.get(fileId)?.lock.release()
    this.#held.delete(fileId)
    // Uppy tells the server to drop what it has of an upload that was not finished.
    if (isOurs && this.#uppy.getFile(fileId)) this.#uppy.removeFile(fileId)
  }

  #markWaiting(trouble: Trouble) {
    for (const { phase, fileId } of this.rows.all()) {
      if (fileId && (phase === 'sending' || phase === 'waiting')) {
        this.rows.change(fileId, { phase: 'waiting', trouble, bytesPerSecond: null })
      }
    }
  }
}
