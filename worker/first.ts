// The first rung: what a source has that every player takes, cut as it is, else one small rendition;
// published while it grows. Judges the source only as far as the probe does: what fails here for
// other reasons is the ladder's to find out.
import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { VideoRow } from '#db/schema.ts'
import { type AttemptContext, runAttempt } from './attempt.ts'
import type { Handler } from './context.ts'
import { type Copyable, judgeCopy } from './ffmpeg/copyable.ts'
import { copyCommand, firstCommand } from './ffmpeg/first-args.ts'
import { type FirstPlan, planCopy, planFirst, RECIPE } from './ffmpeg/plan-first.ts'
import { FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { Unplayable } from './ffmpeg/verify.ts'
import { growPublication } from './growth.ts'
import { readSource } from './source.ts'

export const first: Handler<'first'> = (context, { videoId }, job) =>
  runAttempt(context, job, { kind: 'first', videoId, recipe: RECIPE, make: makeAndPublish })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  const { source, facts, plan } = await readSource(context, video)
  const judged = await judgeCopy(source, facts, context.signal)
  if (!('reason' in judged)) {
    if (await copy(context, source, planCopy(plan, facts, judged), judged)) return
  } else context.log.info({ reason: judged.reason, detail: judged.detail }, 'source is not copied')
  const firstPlan = planFirst(plan, facts)
  await makeFolders(context, firstPlan)
  await growPublication(context, firstPlan, signals =>
    runFfmpeg(firstCommand(source, context.scratch, firstPlan), { ...context, ...signals }),
  )
}

/** @returns false when what was copied would not play: the other way is tried, once */
async function copy(
  context: AttemptContext,
  source: string,
  plan: FirstPlan,
  judged: Copyable,
): Promise<boolean> {
  await makeFolders(context, plan)
  try {
    await growPublication(context, plan, signals =>
      runFfmpeg(copyCommand(source, context.scratch, plan, judged), { ...context, ...signals }),
    )
    return true
  } catch (error) {
    if (!(error instanceof FfmpegFailed || error instanceof Unplayable)) throw error
    context.log.warn({ err: error }, 'copied first rung does not play: it is encoded')
    for (const { name } of plan.streams) {
      await rm(path.join(context.scratch, name), { recursive: true, force: true })
    }
    return false
  }
}

async function makeFolders({ scratch }: AttemptContext, { streams }: FirstPlan): Promise<void> {
  for (const { name } of streams) await mkdir(path.join(scratch, name))
}
