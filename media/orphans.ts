// Stored files that nobody owns: walks the whole storage, and asks about many owners at once. Must not know
// who keeps the list of owners.
import { attemptPrefix, ownerOf } from '#media/keys.ts'
import type { Storage, StoredFile } from '#media/storage.ts'

/** Each answers which of the given ids own nothing. */
export interface Owners {
  unownedSources: (videoIds: string[]) => Promise<string[]>
  unownedTokens: (tokens: string[]) => Promise<string[]>
}

const ASKED_AT_ONCE = 200

/**
 * @param isCandidate which files are looked at: one that was just written may be ahead of its row
 * @returns keys, and the prefix of an attempt once for all of its files
 */
export async function* findOrphans(
  storage: Pick<Storage, 'list'>,
  { unownedSources, unownedTokens }: Owners,
  isCandidate: (file: StoredFile) => boolean,
): AsyncGenerator<string> {
  // From the owner's id to what it would own.
  const [sources, attempts] = [new Map<string, string>(), new Map<string, string>()]
  const told = new Set<string>()
  const ask = async () => {
    const found: string[] = []
    for (const [claims, question] of [
      [sources, unownedSources],
      [attempts, unownedTokens],
    ] as const) {
      if (claims.size === 0) continue
      for (const id of await question([...claims.keys()])) found.push(claims.get(id) ?? id)
      claims.clear()
    }
    return found.filter(key => !told.has(key) && told.add(key))
  }
  for (const top of ['sources', 'videos']) {
    for await (const file of storage.list(top)) {
      if (!isCandidate(file)) continue
      const { key } = file
      const owner = ownerOf(key)
      if (!owner) yield key
      else if (owner.token) attempts.set(owner.token, attemptPrefix(owner.videoId, owner.token))
      else sources.set(owner.videoId, key)
      if (sources.size + attempts.size >= ASKED_AT_ONCE) yield* await ask()
    }
  }
  yield* await ask()
}
