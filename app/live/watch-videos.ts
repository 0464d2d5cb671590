// Follows many videos over one event stream, and by asking when the stream fails. Browsers allow six
// connections per host over HTTP/1.1, for all tabs together: a page opens one stream whatever it shows,
// and none while it is out of sight. No React in here.
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { Video } from '#app/video.ts'

const pollMilliseconds = 3000
/** Keeps the address within what servers and proxies accept: 36 characters an id. */
export const mostWatched = 50

export interface VideoListener {
  onVideo(video: Video): void
  onRemoved(videoId: string): void
}

/** @param ids at most `mostWatched` @returns stops watching */
export function watchVideos(ids: readonly string[], listener: VideoListener): () => void {
  const stopping = new AbortController()
  let stream: EventSource | null = null
  let timer: ReturnType<typeof setInterval> | null = null

  function openStream() {
    stream = new EventSource(`/api/events?videos=${ids.join(',')}`)
    stream.onopen = stopPolling
    stream.onerror = startPolling
    stream.addEventListener('video', event => listener.onVideo(parse<Video>(event)))
    stream.addEventListener('removed', event => listener.onRemoved(parse<{ videoId: string }>(event).videoId))
  }

  function startPolling() {
    timer ??= setInterval(() => {
      for (const id of ids) void ask(id)
      // EventSource reconnects by itself after a cut, but an HTTP error closes it for good.
      if (stream?.readyState === EventSource.CLOSED) openStream()
    }, pollMilliseconds)
  }

  function stopPolling() {
    if (timer !== null) clearInterval(timer)
    timer = null
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

  function close() {
    stopPolling()
    stream?.close()
  }

  // A new stream begins with the state of every video, so that nothing is missed. Also when the network
  // is back: a phone that slept or a cable that was out may leave a stream that looks open and is dead.
  function follow() {
    close()
    if (!document.hidden) openStream()
  }

  follow()
  const { signal } = stopping
  window.addEventListener('online', follow, { signal })
  document.addEventListener('visibilitychange', follow, { signal })
  return () => {
    stopping.abort()
    close()
  }
}

function parse<T>(event: MessageEvent<string>): T {
  return JSON.parse(event.data)
}
