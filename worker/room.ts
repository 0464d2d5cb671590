// Whether work fits into what the machine has left: asked before it is claimed, so that what does not fit
// waits, at no cost, and its video says what for.

import type { Config } from '#config'
import type { Trx } from '#db/client.ts'
import { lockAdmission, promisedBytes } from '#db/room.ts'
import type { VideoRow } from '#db/schema.ts'
import { availableMemory } from '#process/memory.ts'
import type { WorkerContext } from './context.ts'
import { MAX_SRT_BYTES } from './ffmpeg/args.ts'
import { type Facts, knownFacts } from './ffmpeg/facts.ts'
import { type Plan, pixelsOf, planLadder } from './ffmpeg/plan.ts'

export interface Needs {
  /** at the most, scratch and storage together: the one becomes the other */
  diskBytes: number
  memoryBytes: number
}

/** What a video says that it waits for. */
export type Lack = 'waiting_for_disk' | 'waiting_for_memory'

const MIB = 1024 ** 2
// Left for whatever else the machine does.
const RESERVE_BYTES = 64 * MIB
// FFmpeg itself, and what it holds for each pixel of the source and of all rungs: within 10 % of ladders of
// 640 × 360 to 3840 × 2160 (186, 357, 617 and 705 MB).
const FFMPEG_BYTES = 150 * MIB
const BYTES_PER_SOURCE_PIXEL = 15
const BYTES_PER_RUNG_PIXEL = 110
// What hardly any ladder needs of its source; caps of bit rates say more of a source that has few.
const TIMES_SOURCE = 3
// Needs are estimates: what an honest FFmpeg writes must never reach the bound.
const TIMES_NEEDS = 4
const BEYOND_NEEDS_BYTES = 2048 * MIB
// Playlists, posters, boxes around samples.
const OVERHEAD = 1.05
// Until it has taken what it will take, FFmpeg's memory is not missing yet.
const GROWS_FOR_MS = 10_000

/** Of a first rung: the source again, or less; its picture's size is not known yet. */
export function firstNeeds({ source_bytes }: VideoRow): Needs {
  return { diskBytes: Math.ceil(source_bytes * OVERHEAD), memoryBytes: FFMPEG_BYTES }
}

/** Of preview and storyboard, and of captions: as they are read, and as they are published. */
export function extraNeeds({ facts }: Pick<VideoRow, 'facts'>): Needs {
  const tracks = knownFacts(facts)?.captions?.length ?? 0
  return { diskBytes: 16 * MIB + tracks * MAX_SRT_BYTES * 3, memoryBytes: FFMPEG_BYTES }
}

/** Of a poster: one picture, a part of the video at the most. */
export function posterNeeds(): Needs {
  return { diskBytes: 32 * MIB, memoryBytes: FFMPEG_BYTES }
}

/** Of a ladder, or of one rung of it: its bit rates are capped. */
export function ladderNeeds(video: VideoRow, config: Config): Needs {
  const facts = knownFacts(video.facts)
  const plan = facts && tryPlan(facts, config)
  const bySource = video.source_bytes * TIMES_SOURCE + RESERVE_BYTES
  if (!facts || !plan?.durationSeconds) return { diskBytes: bySource, memoryBytes: FFMPEG_BYTES }
  const { rungs, sounds, durationSeconds, mp4Rung } = plan
  const bps = [
    ...rungs.map(({ maxBps }) => maxBps),
    ...sounds.map(sound => sound.bps),
    // The MP4 is a copy.
    rungs.find(({ name }) => name === mp4Rung)?.maxBps ?? 0,
    sounds[0]?.bps ?? 0,
  ].reduce((sum, each) => sum + each, 0)
  const pixels = rungs.reduce((sum, rung) => sum + pixelsOf(rung), 0)
  const pictures = pixels * BYTES_PER_RUNG_PIXEL + pixelsOf(facts.video) * BYTES_PER_SOURCE_PIXEL
  return {
    diskBytes: Math.min(Math.ceil((bps / 8) * durationSeconds * OVERHEAD), bySource),
    memoryBytes: Math.ceil(FFMPEG_BYTES + pictures),
  }
}

/** What only a program that does something else than it was told would write. */
export function scratchBytesOf({ diskBytes }: Needs): number {
  return diskBytes * TIMES_NEEDS + BEYOND_NEEDS_BYTES
}

/** A plan that is refused says so when it is made. */
function tryPlan(facts: Facts, config: Config): Plan | null {
  try {
    return planLadder(facts, config)
  } catch {
    return null
  }
}

/**
 * In the transaction that claims the work: its promise then counts for the next one.
 * @returns null when there is room
 */
export async function findLack({ storage }: WorkerContext, trx: Trx, needs: Needs): Promise<Lack | null> {
  await lockAdmission(trx)
  const free = (await storage.freeBytes()) - (await promisedBytes(trx))
  if (free < needs.diskBytes + RESERVE_BYTES) return 'waiting_for_disk'
  return hasMemory(needs.memoryBytes) ? null : 'waiting_for_memory'
}

const held = new Set<{ since: number; bytes: number }>()

/** Memory that work of this process may take. @returns what gives it back */
export function holdMemory({ memoryBytes }: Needs): () => void {
  const hold = { since: performance.now(), bytes: memoryBytes }
  held.add(hold)
  return () => held.delete(hold)
}

/** A worker that does nothing else tries whatever comes: nobody here would give back what is missing. */
function hasMemory(bytes: number): boolean {
  if (held.size === 0) return true
  const now = performance.now()
  const stillTaken = [...held].filter(({ since }) => now - since < GROWS_FOR_MS)
  return availableMemory() - stillTaken.reduce((sum, each) => sum + each.bytes, 0) >= bytes
}
