// How fast bytes go, over the last few seconds: steadier than the last packet, fresher than the mean.
const windowMilliseconds = 5000

export class SpeedMeter {
  #samples: { at: number; bytes: number }[] = []

  /** @param at monotonic milliseconds, performance.now() */
  add(at: number, bytes: number): void {
    this.#samples.push({ at, bytes })
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > windowMilliseconds) {
      this.#samples.shift()
    }
  }

  /** null until it can be told */
  bytesPerSecond(): number | null {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (!first || !last || last.at - first.at < 500) return null
    return Math.max(0, ((last.bytes - first.bytes) / (last.at - first.at)) * 1000)
  }

  /** After a pause the time that passed says nothing about the line. */
  reset(): void {
    this.#samples = []
  }
}
