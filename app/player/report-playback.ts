// Tells the server how playing went: a view once enough of it was seen, and figures when it is over.
// Measures what people notice; must not change what the player does.
import { onNextFrame, type VideoJsPlayer } from '#app/player/create-player.ts'
import type { Video } from '#app/video.ts'

const VIEW_SECONDS = 3
// A step between two of the player's times; more is a seek.
const LARGEST_STEP_SECONDS = 1
const SENT_TOGETHER = 8

/** As POST /api/playbacks takes it. */
interface Playback {
  videoId: string
  firstFrameMs: number | null
  stalls: number
  stalledMs: number
  watchedMs: number
  height: number | null
  errorCode: string | null
  connection: string | null
}

/**
 * Follows a player from the wish to play a video until the returned function is called (the person has
 * gone on to another one), or the page is left.
 * @param wishedAt when the person came to it, as performance.now() says it
 */
export function followPlayback(
  player: VideoJsPlayer,
  { id, durationSeconds }: Pick<Video, 'id' | 'durationSeconds'>,
  wishedAt: number = performance.now(),
): () => void {
  const playback: Playback = {
    ...{ videoId: id, firstFrameMs: null, stalls: 0, stalledMs: 0, watchedMs: 0 },
    ...{ height: null, errorCode: null, connection: connectionType() },
  }
  const enoughMs = Math.min(VIEW_SECONDS, (durationSeconds ?? Infinity) / 2) * 1000
  let isViewed = false
  let lastTime = player.currentTime() ?? 0
  let stalledSince: number | null = null
  let isOver = false

  onNextFrame(player, () => {
    if (!isOver) playback.firstFrameMs ??= elapsed(wishedAt)
  })
  const goOn = () => {
    if (stalledSince !== null) playback.stalledMs += elapsed(stalledSince)
    stalledSince = null
  }
  const followers: Record<string, () => void> = {
    timeupdate() {
      const time = player.currentTime() ?? 0
      const step = time - lastTime
      lastTime = time
      if (step <= 0 || step > LARGEST_STEP_SECONDS) return
      goOn()
      playback.errorCode = null
      playback.watchedMs += Math.round(step * 1000)
      playback.height = shortSide(player)
      if (playback.watchedMs < enoughMs || isViewed) return
      isViewed = true
      sendView(id)
    },
    waiting() {
      // Before the first frame it is the start that takes long; after a seek the person waits by choice.
      if (playback.firstFrameMs === null || player.seeking() || stalledSince !== null) return
      playback.stalls += 1
      stalledSince = performance.now()
    },
    playing: goOn,
    pause: goOn,
    error() {
      // One that another source mends is none.
      playback.errorCode = ERRORS[player.error()?.code ?? 0] ?? 'unknown'
    },
  }
  const stop = () => {
    if (isOver) return
    isOver = true
    goOn()
    pending.push(playback)
    for (const [event, follow] of Object.entries(followers)) player.off(event, follow)
    running.delete(stop)
    if (pending.length >= SENT_TOGETHER) sendPending()
  }
  for (const [event, follow] of Object.entries(followers)) player.on(event, follow)
  running.add(stop)
  sendWhenLeft()
  return stop
}

/** Of the Media Elements standard (MediaError). */
const ERRORS = ['unknown', 'aborted', 'network', 'decode', 'source_not_supported']

/** What is over, and not sent yet. */
const pending: Playback[] = []
/** Ends each that is not over. */
const running = new Set<() => void>()

let isListening = false

/** Of a page that is hidden, phones may never show anything again, or say that it ended. */
function sendWhenLeft() {
  if (isListening) return
  isListening = true
  const leave = () => {
    for (const stop of running) stop()
    sendPending()
  }
  window.addEventListener('pagehide', leave)
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && leave())
}

function sendPending() {
  if (pending.length === 0) return
  const body = JSON.stringify({ playbacks: pending.splice(0) })
  navigator.sendBeacon('/api/playbacks', new Blob([body], { type: 'application/json' }))
}

function sendView(id: string) {
  // A view that is not counted is nobody's to mend.
  fetch(`/api/videos/${id}/views`, { method: 'POST', keepalive: true }).catch(() => {})
}

function shortSide(player: VideoJsPlayer): number | null {
  return Math.min(player.videoWidth(), player.videoHeight()) || null
}

function connectionType(): string | null {
  const connection: unknown = Reflect.get(navigator, 'connection')
  const type: unknown = connection instanceof Object && Reflect.get(connection, 'effectiveType')
  return typeof type === 'string' ? type : null
}

function elapsed(since: number): number {
  return Math.max(0, Math.round(performance.now() - since))
}
