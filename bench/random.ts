// Chance that can be had again: the same seed, the same run of numbers.

export interface Random {
  /** from 0 up to but not 1 */
  next: () => number
  pick: <T>(items: readonly T[]) => T | undefined
  weighted: <T extends { weight: number }>(items: readonly T[]) => T
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty here. */
export function generator(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const pick = <T>(items: readonly T[]) => items[Math.floor(next() * items.length)]
  return {
    next,
    pick,
    weighted(items) {
      let at = next() * items.reduce((sum, { weight }) => sum + weight, 0)
      const found =
        items.find(({ weight }) => {
          at -= weight
          return at < 0
        }) ?? items[0]
      if (!found) throw new Error('nothing to choose from')
      return found
    },
  }
}
