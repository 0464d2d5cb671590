// Follows many videos over one event stream, and by asking when the stream fails. Browsers allow six
// connections per host over HTTP/1.1, so a page opens one stream whatever it shows. No React in here.
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { Video } from '#app/video.ts'

const pollMilliseconds = 3000
/** Keeps the address within what servers and proxies accept: 36 characters an id. */
const mostIds = 50

export interface VideoListener {
  onVideo(video: Video): void
  onRemoved(videoId: string): void
}

/** @returns stops watching */
export function watchVideos(ids: readonly string[], listener: VideoListener): () => void {
  const watched = ids.slice(0, mostIds)
  const stopping = new AbortController()
  let stream: EventSource | null = null
  let timer: ReturnType<typeof setInterval> | null = null

  function openStream() {
    stream = new EventSource(`/api/events?videos=${watched.join(',')}`)
    stream.onopen = stopPolling
    stream.onerror = startPolling
    stream.addEventListener('video', event => listener.onVideo(parse<Video>(event)))
    stream.addEventListener('removed', event => listener.onRemoved(parse<{ videoId: string }>(event).videoId))
  }

  function startPolling() {
    timer ??= setInterval(() => {
      askAll()
      // EventSource reconnects by itself after a cut, but an HTTP error closes it for good.
      if (stream?.readyState === EventSource.CLOSED) openStream()
    }, pollMilliseconds)
  }

  function stopPolling() {
    if (timer !== null) clearInterval(timer)
    timer = null
  }

  function askAll() {
    for (const id of watched) void ask(id)
  }

  async function ask(id: string) {
    try {
      const video = await callApi<Video>(`/api/videos/${id}`, { signal: stopping.signal })
      if (!stopping.signal.aborted) listener.onVideo(video)
    } catch (error) {
      if (stopping.signal.aborted) return
      if (!(error instanceof ProblemError)) throw error
      if (error.status === 404) listener.onRemoved(id)
      // Anything else is the same trouble the stream has: the next round asks again.
    }
  }

  // A phone that slept or a cable that was out may leave a stream that looks open and is dead.
  function catchUp() {
    if (!document.hidden) askAll()
  }

  openStream()
  const { signal } = stopping
  window.addEventListener('online', catchUp, { signal })
  document.addEventListener('visibilitychange', catchUp, { signal })
  return () => {
    stopping.abort()
    stopPolling()
    stream?.close()
  }
}

function parse<T>(event: MessageEvent<string>): T {
  return JSON.parse(event.data)
}
