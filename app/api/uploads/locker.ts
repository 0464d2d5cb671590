// One request at a time works on an upload: the others stand in line, and cost nothing while they wait. (The
// library's own asks again and again without a pause, and keeps each time it asked: 100 MB a second.)
import type { Lock, Locker, RequestRelease } from '@tus/utils'

const WAITS_MS = 30_000
// A client has two or three on the way when its network comes and goes.
const MOST_IN_LINE = 8

interface Holder {
  requestRelease: RequestRelease
  line: { requestRelease: RequestRelease; begin: () => void }[]
}

export class LineLocker implements Locker {
  readonly #holders = new Map<string, Holder>()

  newLock(id: string): Lock {
    return {
      lock: (signal, requestRelease) => this.#lock(id, signal, requestRelease),
      unlock: async () => this.#unlock(id),
    }
  }

  /** @throws what @tus/server answers with: 423 when the line is long, or nobody ahead comes to an end */
  async #lock(id: string, signal: AbortSignal, requestRelease: RequestRelease): Promise<void> {
    const holder = this.#holders.get(id)
    if (!holder) {
      this.#holders.set(id, { requestRelease, line: [] })
      return
    }
    if (holder.line.length >= MOST_IN_LINE) throw BUSY
    const turn = Promise.withResolvers<void>()
    const waiting = { requestRelease, begin: turn.resolve }
    holder.line.push(waiting)
    const giveUp = () => {
      // Whose turn has come is in no line any more.
      const place = holder.line.indexOf(waiting)
      if (place === -1) return
      holder.line.splice(place, 1)
      turn.reject(BUSY)
    }
    const timer = setTimeout(giveUp, WAITS_MS)
    signal.addEventListener('abort', giveUp)
    try {
      // Who came last knows best where the upload stands: the others are asked to end.
      await holder.requestRelease()
      await turn.promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
  }

  #unlock(id: string): void {
    const holder = this.#holders.get(id)
    const next = holder?.line.shift()
    if (!holder || !next) {
      this.#holders.delete(id)
      return
    }
    // In place: those who wait hold on to this one.
    holder.requestRelease = next.requestRelease
    next.begin()
    if (holder.line.length > 0) void next.requestRelease()
  }
}

const BUSY = { status_code: 423, body: 'another request works on this upload' }
