// The source of a video, and what is known of it: probed once, by the first that works on it.
import { chmod, stat } from 'node:fs/promises'
import { saveFacts } from '#db/progress.ts'
import type { VideoRow } from '#db/schema.ts'
import type { AttemptContext } from './attempt.ts'
import { WorldError } from './errors.ts'
import { type Facts, knownFacts } from './ffmpeg/facts.ts'
import { type Plan, planLadder } from './ffmpeg/plan.ts'
import { probe } from './ffmpeg/probe.ts'

export interface Source {
  /** its path */
  source: string
  facts: Facts
  plan: Plan
}

/** @throws VideoError, WorldError */
export async function readSource(context: AttemptContext, video: VideoRow): Promise<Source> {
  const { db, storage, config, attempt, signal } = context
  if (!(await storage.stat(video.source_key))) {
    throw new WorldError('source_missing', 'The uploaded file is not in the storage.')
  }
  const source = storage.localPath(video.source_key)
  await letBeRead(source)
  const known = knownFacts(video.facts)
  const facts = known ?? (await probe(source, signal))
  signal.throwIfAborted()
  const plan = planLadder(facts, config)
  const { durationSeconds, work } = plan
  if (!known && durationSeconds !== null && work !== null) {
    const { width, height } = facts.video
    await saveFacts(db, attempt, { json: facts, durationSeconds, width, height, work })
  }
  return { source, facts, plan }
}

/** FFmpeg is not root where we are, and a narrow umask would keep the file from it. Its folder keeps others out. */
async function letBeRead(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { mode } = await stat(file)
  if ((mode & 0o004) === 0) await chmod(file, mode | 0o004)
}
