// The media that a visit fetched, and how much of it was ever on the screen.

import type { Phone } from './phone.ts'
import type { Reel } from './reels.ts'
import type { Shown } from './watch-page.ts'

export interface Traffic {
  /** bytes over the wire by URL path; of a request that was given up, those that came */
  bytes: Map<string, number>
}

/** Counts from now on. */
export function countTraffic({ cdp }: Phone): Traffic {
  const bytes = new Map<string, number>()
  const paths = new Map<string, string>()
  cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/media/')) paths.set(requestId, pathname)
  })
  cdp.on('Network.dataReceived', ({ requestId, encodedDataLength }) => {
    const path = paths.get(requestId)
    if (path) bytes.set(path, (bytes.get(path) ?? 0) + encodedDataLength)
  })
  return { bytes }
}

/** Of all bytes of segments: those that are of no second, in the rung it was seen in, that was shown. */
export function unwatchedShare({ bytes }: Traffic, reels: Reel[], shown: Shown[]) {
  const segments = new Map(
    reels.flatMap(reel => reel.segments.map(segment => [segment.path, { reel, segment }])),
  )
  let [fetched, unwatched] = [0, 0]
  for (const [path, size] of bytes) {
    const { reel, segment } = segments.get(path) ?? {}
    if (!reel || !segment) continue
    fetched += size
    const isWatched = shown.some(
      seen =>
        seen.title === reel.title &&
        (segment.height === null || seen.height === segment.height) &&
        seen.fromSeconds < segment.toSeconds &&
        seen.toSeconds > segment.fromSeconds,
    )
    if (!isWatched) unwatched += size
  }
  return { fetched, share: unwatched / fetched }
}
