// Follows many videos over one event stream, and by asking when the stream fails. Browsers allow six
// connections per host over HTTP/1.1, for all tabs together: a page opens one stream whatever it shows,
// and none while it is out of sight. No React in here.
import { callApi, ProblemError } from '#app/live/api-client.ts'
import type { Video } from '#app/video.ts'

const pollMilliseconds = 3000
/** A stream begins with what there is; where nothing comes, something on the way holds it back. */
const firstWordWithinMilliseconds = 4000
/** The server says every 15 s that it is there. */
const silenceMilliseconds = 22_000
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
  let polling: ReturnType<typeof setInterval> | null = null
  let silence: ReturnType<typeof setTimeout> | null = null

  function openStream() {
    stream = new EventSource(`/api/events?videos=${ids.join(',')}`)
    stream.onerror = startPolling
    const on = (event: string, tell: (event: MessageEvent<string>) => void) =>
      stream?.addEventListener(event, message => {
        hear(silenceMilliseconds)
        tell(message)
      })
    on('alive', () => {})
    on('video', event => listener.onVideo(parse<Video>(event)))
    on('removed', event => listener.onRemoved(parse<{ videoId: string }>(event).videoId))
    hear(firstWordWithinMilliseconds)
  }

  /** @param forMilliseconds how long it may then be silent */
  function hear(forMilliseconds: number) {
    if (forMilliseconds === silenceMilliseconds) stopPolling()
    if (silence !== null) clearTimeout(silence)
    silence = setTimeout(startPolling, forMilliseconds)
  }

  function startPolling() {
    if (polling !== null) return
    const askAll = () => {
      for (const id of ids) void ask(id)
      // EventSource reconnects by itself after a cut, but an HTTP error closes it for good.
      if (stream?.readyState === EventSource.CLOSED) openStream()
    }
    polling = setInterval(askAll, pollMilliseconds)
    askAll()
  }

  function stopPolling() {
    if (polling !== null) clearInterval(polling)
    polling = null
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
    if (silence !== null) clearTimeout(silence)
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
