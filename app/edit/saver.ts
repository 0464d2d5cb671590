// Sends what a person changes about a video, as they change it: the newest of each thing, until the server has
// it. Lives beside the page, as uploads do; what is typed outlives even the tab. No React in here.
import { callApi, ProblemError } from '#app/live/api-client.ts'
import { onReturn } from '#app/upload/on-return.ts'
import type { Video } from '#app/video.ts'

/** Less would be a request for each word, more would be a wait. */
const typingMilliseconds = 600
const retryMilliseconds = 3000
const draftPrefix = 'pgreel.draft.'

export interface Details {
  title?: string
  description?: string
}

/** waiting: not sent yet, or to be sent again; refused: it will not go by itself */
export interface SaveState {
  state: 'waiting' | 'saving' | 'saved' | 'refused'
  /** why it does not go on by itself, or not just now */
  problem: string | null
}

type Send = (videoPath: string) => Promise<Video>

interface Change extends SaveState {
  send: Send
  isDue: boolean
  isOnItsWay: boolean
  timer?: ReturnType<typeof setTimeout>
}

/** What the page reads; another object after each change. */
export interface SaverView {
  /** as they were typed here */
  details: Details
  states: Record<string, SaveState | undefined>
}

export class Saver {
  view: SaverView
  onSaved: (video: Video) => void = () => {}
  #videoId: string | null = null
  #draftKey: string
  readonly #changes = new Map<string, Change>()
  readonly #listeners = new Set<() => void>()

  /** @param draftKey what typed words are kept under: a file's, until its video has an id */
  constructor(draftKey: string) {
    this.#draftKey = draftPrefix + draftKey
    this.view = { details: readDraft(this.#draftKey), states: {} }
    onReturn(() => {
      for (const name of this.#changes.keys()) void this.#run(name)
    })
    // What is in the air may outlive the page, and if it does not, the draft does.
    window.addEventListener('pagehide', () => void this.#run('details'))
    if (Object.keys(this.view.details).length > 0) this.#sendDetails(0)
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly read = (): SaverView => this.view

  /** From here on there is something to change. */
  attach(videoId: string): void {
    if (this.#videoId === videoId) return
    this.#videoId = videoId
    localStorage.removeItem(this.#draftKey)
    this.#draftKey = draftPrefix + videoId
    const details = { ...readDraft(this.#draftKey), ...this.view.details }
    this.#tell({ ...this.view, details })
    if (Object.keys(details).length > 0) this.edit({}, 0)
    for (const name of this.#changes.keys()) void this.#run(name)
  }

  edit(changes: Details, afterMilliseconds = typingMilliseconds): void {
    const details = { ...this.view.details, ...changes }
    writeDraft(this.#draftKey, details)
    this.#tell({ ...this.view, details })
    this.#sendDetails(afterMilliseconds)
  }

  /** @param name of the thing: a newer change of it takes the place of one that was not sent */
  set(name: string, send: Send, afterMilliseconds = 0): void {
    const known = this.#changes.get(name)
    clearTimeout(known?.timer)
    const change: Change = {
      ...{ send, isDue: true, isOnItsWay: known?.isOnItsWay ?? false },
      ...{ state: 'waiting', problem: null },
    }
    this.#changes.set(name, change)
    this.#show(name, change)
    change.timer = setTimeout(() => void this.#run(name), afterMilliseconds)
  }

  #sendDetails(afterMilliseconds: number) {
    const send = async (videoPath: string) => {
      const sent = this.view.details
      // A title that was just emptied is on its way to another.
      const { title, ...rest } = sent
      const words = title?.trim() ? sent : rest
      if (Object.keys(words).length === 0) return callApi<Video>(videoPath)
      // keepalive: also when the page goes in this moment.
      const change = { method: 'PATCH', body: JSON.stringify(words), keepalive: true }
      const video = await callApi<Video>(videoPath, change)
      if (this.view.details === sent) localStorage.removeItem(this.#draftKey)
      return video
    }
    this.set('details', send, afterMilliseconds)
  }

  async #run(name: string): Promise<void> {
    const change = this.#changes.get(name)
    if (!change?.isDue || change.isOnItsWay || this.#videoId === null) return
    clearTimeout(change.timer)
    Object.assign(change, { isDue: false, isOnItsWay: true, state: 'saving', problem: null })
    this.#show(name, change)
    const ended = await this.#try(change)
    const latest = this.#changes.get(name) ?? change
    latest.isOnItsWay = false
    if (latest !== change) return void this.#run(name)
    Object.assign(change, ended)
    if (change.isDue) change.timer = setTimeout(() => void this.#run(name), retryMilliseconds)
    this.#show(name, change)
  }

  async #try(change: Change): Promise<SaveState & { isDue: boolean }> {
    try {
      this.onSaved(await change.send(`/api/videos/${this.#videoId}`))
      return { state: 'saved', problem: null, isDue: false }
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      const passes = error.status === 0 || error.status === 429 || error.status >= 500
      return { state: passes ? 'waiting' : 'refused', problem: error.message, isDue: passes }
    }
  }

  #show(name: string, { state, problem }: SaveState) {
    this.#tell({ ...this.view, states: { ...this.view.states, [name]: { state, problem } } })
  }

  #tell(view: SaverView) {
    this.view = view
    for (const listener of this.#listeners) listener()
  }
}

function readDraft(key: string): Details {
  try {
    const draft: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    return typeof draft === 'object' && draft !== null ? draft : {}
  } catch {
    return {} // SyntaxError: not written by us
  }
}

function writeDraft(key: string, details: Details) {
  try {
    localStorage.setItem(key, JSON.stringify(details))
  } catch {
    // QuotaExceededError, or storage is off: only a reload before the answer will not know it.
  }
}
