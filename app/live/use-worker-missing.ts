'use client'
// Whether nobody is there to process videos, so that a page can say so instead of waiting in silence.
import { useEffect, useState } from 'react'

/** Promise to the person waiting: they hear of it within ten seconds. */
const askEveryMilliseconds = 2500

interface Health {
  workers?: { alive?: number }
}

/** Asks only while `isWaiting`; false when the server cannot tell. */
export function useWorkerMissing(isWaiting: boolean): boolean {
  const [isMissing, setMissing] = useState(false)

  useEffect(() => {
    if (!isWaiting) {
      setMissing(false)
      return
    }
    const stopping = new AbortController()
    async function ask() {
      try {
        // Not callApi: health answers 503 with the same body when degraded.
        const response = await fetch('/api/health', { signal: stopping.signal })
        const health: Health = await response.json()
        setMissing(health.workers?.alive === 0)
      } catch {
        // Aborted, unreachable or a proxy's page: says nothing about workers, so keep what we knew.
      }
    }
    void ask()
    const timer = setInterval(ask, askEveryMilliseconds)
    return () => {
      stopping.abort()
      clearInterval(timer)
    }
  }, [isWaiting])

  return isMissing
}
