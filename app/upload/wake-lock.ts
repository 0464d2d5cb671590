// Keeps the screen on while it is wanted: phones put a page to sleep with it, and with the page its uploads.
// Browsers take the lock away from a page that is hidden, and some refuse it when the battery is low.
// https://www.w3.org/TR/screen-wake-lock/

export class WakeLock {
  #isWanted = false
  #lock: WakeLockSentinel | null = null

  constructor() {
    document.addEventListener('visibilitychange', () => void this.#take())
  }

  want(isWanted: boolean): void {
    if (isWanted === this.#isWanted) return
    this.#isWanted = isWanted
    if (isWanted) void this.#take()
    else void this.#lock?.release()
  }

  async #take(): Promise<void> {
    if (!('wakeLock' in navigator) || !this.#isWanted || document.hidden || this.#lock) return
    try {
      const lock = await navigator.wakeLock.request('screen')
      this.#lock = lock
      lock.addEventListener('release', () => {
        this.#lock = null
      })
      if (!this.#isWanted) await lock.release()
    } catch (error) {
      // NotAllowedError: not now. The next time that the page is looked at asks again.
      if (!(error instanceof DOMException)) throw error
    }
  }
}
