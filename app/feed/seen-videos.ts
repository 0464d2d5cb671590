// What was watched in this browser, so that the feed can show the rest first. Bounded: older ones are
// so far down the feed that they hardly come again.
const key = 'pgreel.seen'
const MOST = 300

export function seenVideos(): ReadonlySet<string> {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(key) ?? '[]')
    return new Set(Array.isArray(ids) ? ids : [])
  } catch {
    return new Set() // SyntaxError: not written by us; SecurityError: storage is off
  }
}

export function rememberSeen(videoId: string): void {
  const ids = [...seenVideos()].filter(id => id !== videoId)
  try {
    localStorage.setItem(key, JSON.stringify([...ids, videoId].slice(-MOST)))
  } catch {
    // QuotaExceededError, or storage is off: then it comes again.
  }
}
