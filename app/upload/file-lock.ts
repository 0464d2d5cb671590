// One tab at a time sends a file: two would write into the same upload and throw each other back.
// Browsers keep these locks for all tabs of a site, and free them when a tab closes or crashes.
// https://www.w3.org/TR/web-locks/

const optionsFor = {
  'if free': () => ({ ifAvailable: true }),
  'when free': (signal: AbortSignal) => ({ signal }),
  'by force': () => ({ steal: true }),
}

export class FileLock {
  readonly #name: string
  #end = () => {}

  constructor(name: string) {
    this.#name = name
  }

  /**
   * @param onStolen another tab took it by force after it was ours
   * @returns whether it is ours now; always where a browser has no locks, as over plain HTTP
   */
  take(how: keyof typeof optionsFor, onStolen: () => void): Promise<boolean> {
    this.release()
    if (!('locks' in navigator)) return Promise.resolve(true)
    const waiting = new AbortController()
    this.#end = () => waiting.abort()
    let isOurs = false
    return new Promise((resolve, reject) => {
      const hold = (lock: Lock | null) => {
        isOurs = lock !== null
        resolve(isOurs)
        return isOurs ? new Promise<void>(release => (this.#end = release)) : undefined
      }
      navigator.locks.request(this.#name, optionsFor[how](waiting.signal), hold).catch(error => {
        if (error.name !== 'AbortError') reject(error)
        else if (isOurs) onStolen()
        else resolve(false)
      })
    })
  }

  /** Gives it back, or stops waiting for it. */
  release(): void {
    this.#end()
  }
}
