// The first rung: what a source has that every player takes, cut as it is, else one small rendition;
// published while it grows. Judges the source only as far as the probe does: what fails here for
// other reasons is the ladder's to find out.
import type { VideoRow } from '#db/schema.ts'
import { type AttemptContext, runAttempt } from './attempt.ts'
import type { Handler } from './context.ts'
import { writeColourTable } from './ffmpeg/colour-table.ts'
import { judgeCopy } from './ffmpeg/copyable.ts'
import { copyCommand, firstCommand } from './ffmpeg/first-args.ts'
import { type FirstPlan, planCopy, planFirst, RECIPE } from './ffmpeg/plan-first.ts'
import { FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { CutShort, Unplayable } from './ffmpeg/verify.ts'
import { growPublication } from './growth.ts'
import { makeFolders, removeFolders, type Signals, tryHeadStart } from './head-start.ts'
import { firstNeeds } from './room.ts'
import { readSource } from './source.ts'

export const first: Handler<'first'> = (context, { videoId }, job) =>
  runAttempt(context, job, {
    kind: 'first',
    videoId,
    recipe: RECIPE,
    needs: firstNeeds,
    make: makeAndPublish,
  })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  await using early = await tryHeadStart(context, context.storage.localPath(video.source_key))
  const { source, facts, plan } = await readSource(context, video)
  if (early?.guessed(facts)) {
    const begun = (signals: Signals) => early.goOn(signals)
    if (await copies(context, planCopy(plan, facts, early.judged), begun)) return
  } else {
    await early?.[Symbol.asyncDispose]()
    const judged = await judgeCopy(source, facts, context.signal)
    if (!('reason' in judged)) {
      const copyPlan = planCopy(plan, facts, judged)
      await removeFolders(context.scratch, copyPlan)
      await makeFolders(context.scratch, copyPlan)
      const command = copyCommand(source, context.scratch, copyPlan, judged)
      if (await copies(context, copyPlan, signals => runFfmpeg(command, { ...context, ...signals }))) return
    } else context.log.info({ reason: judged.reason, detail: judged.detail }, 'source is not copied')
  }
  const firstPlan = planFirst(plan, facts)
  await makeFolders(context.scratch, firstPlan)
  await writeColourTable(context.scratch, firstPlan)
  await growPublication(context, firstPlan, signals =>
    runFfmpeg(firstCommand(source, context.scratch, firstPlan), { ...context, ...signals }),
  )
}

/** @returns false when what was copied would not play: the other way is tried, once */
async function copies(
  context: AttemptContext,
  plan: FirstPlan,
  run: (signals: Signals) => Promise<unknown>,
): Promise<boolean> {
  try {
    await growPublication(context, plan, run)
    return true
  } catch (error) {
    const isTriedAnew =
      error instanceof FfmpegFailed || error instanceof Unplayable || error instanceof CutShort
    if (!isTriedAnew) throw error
    context.log.warn({ err: error }, 'copied first rung does not play: it is encoded')
    await removeFolders(context.scratch, plan)
    return false
  }
}
