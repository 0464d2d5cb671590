// The source of a video, and what is known of it: probed once, by the first that works on it.
import { chmod, stat } from 'node:fs/promises'
import { diedBefore } from '#db/attempts.ts'
import { saveFacts } from '#db/progress.ts'
import type { VideoRow } from '#db/schema.ts'
import type { AttemptContext } from './attempt.ts'
import { WorldError } from './errors.ts'
import { type Facts, knownFacts } from './ffmpeg/facts.ts'
import { type Plan, planLadder } from './ffmpeg/plan.ts'
import { killsFfprobe, PROBE_DIED, probe } from './ffmpeg/probe.ts'

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
  const facts = known ?? (await probeSource(context, source))
  signal.throwIfAborted()
  const plan = planLadder(facts, config)
  if (!known) {
    const { durationSeconds, work } = plan
    const { width, height } = facts.video
    await saveFacts(db, attempt, { json: facts, durationSeconds, width, height, work })
  }
  return { source, facts, plan }
}

async function probeSource({ db, attempt, signal }: AttemptContext, source: string): Promise<Facts> {
  try {
    return await probe(source, signal)
  } catch (error) {
    const hasDied = error instanceof WorldError && error.code === PROBE_DIED
    if (hasDied && (await diedBefore(db, attempt, [PROBE_DIED]))) throw killsFfprobe(error)
    throw error
  }
}

/** FFmpeg is not root where we are, and a narrow umask would keep the file from it. Its folder keeps others out. */
async function letBeRead(file: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { mode } = await stat(file)
  if ((mode & 0o004) === 0) await chmod(file, mode | 0o004)
}
