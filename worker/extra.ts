// The extra: a published rung → animated preview and storyboard, and the source's texts → captions, beside
// what plays already. None of it can cost a video: it is `ready` before, and stays so.
import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { publishExtra } from '#db/extend.ts'
import { type NewRendition, publishedStreams } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import type { Failure } from '#db/settle.ts'
import { attemptKey } from '#media/keys.ts'
import { storyboardVtt } from '#media/webvtt.ts'
import { type AttemptContext, runAttempt, store } from './attempt.ts'
import { makeCaptions } from './captions.ts'
import type { Handler } from './context.ts'
import { sortFailure, VideoError } from './errors.ts'
import { previewCommand, storyboardCommand } from './ffmpeg/args.ts'
import {
  chooseRung,
  EXTRA_RECIPE,
  PREVIEW_MAX_BYTES,
  PREVIEW_QUALITIES,
  planMoments,
  planStoryboard,
  previewSize,
  type Size,
} from './ffmpeg/plan-extra.ts'
import { runFfmpeg } from './ffmpeg/run.ts'
import { sizeOf } from './ffmpeg/verify.ts'
import { fileRendition } from './publication.ts'
import { extraNeeds } from './room.ts'
import { fetchStretch } from './stretch.ts'

export const extra: Handler<'extra'> = (context, { videoId }, job) =>
  runAttempt(context, job, {
    kind: 'extra',
    videoId,
    recipe: EXTRA_RECIPE,
    needs: extraNeeds,
    make: async (own, video) => {
      if (video.publication_id) await makeExtra(own, video, video.publication_id)
    },
  })

interface Rung extends Size {
  /** storage key of the folder that its segments are in */
  folder: string
  uris: string[]
  durations: number[]
}

type ExtraContext = AttemptContext & { rung: Rung; made: string }

async function makeExtra(context: AttemptContext, video: VideoRow, publicationId: string): Promise<void> {
  const { boss, job, attempt, scratch } = context
  // FFmpeg's box has the one; the other, where we write as well, nobody else can reach.
  const [work, made] = [path.join(scratch, 'work'), path.join(scratch, 'made')]
  for (const folder of [work, made]) await mkdir(folder)
  const own = { ...context, scratch: work, made, rung: await findRung(context, publicationId) }
  const parts = [
    await tryPart(context, async () => [await makePreview(own)]),
    await tryPart(context, async () => [await makeStoryboard(own)]),
  ]
  // Captions alone are not what ends this work: without an image it is tried again.
  if (parts.some(({ renditions }) => renditions.length > 0))
    parts.push(await tryPart(context, () => makeCaptions(own, video, made)))
  const renditions = parts.flatMap(part => part.renditions)
  const failures = parts.flatMap(part => part.failures)
  if (renditions.length === 0) throw failures.find(error => !(error instanceof VideoError)) ?? failures[0]
  const leftOut: Failure | null = failures.length > 0 ? sortFailure(failures[0]) : null
  await store(context, made, trx =>
    publishExtra(trx, boss, job, attempt, { publicationId, renditions, leftOut }),
  )
  // Not before: of a video that was deleted meanwhile, everything is missing.
  if (leftOut) context.log.warn({ err: failures[0], code: leftOut.code }, 'rendition left out')
}

interface Part {
  renditions: NewRendition[]
  failures: unknown[]
}

/** What one of them suffers is no reason to do without the others. */
async function tryPart({ signal }: AttemptContext, make: () => Promise<NewRendition[]>): Promise<Part> {
  try {
    return { renditions: await make(), failures: [] }
  } catch (error) {
    signal.throwIfAborted()
    return { renditions: [], failures: [error] }
  }
}

async function makePreview(context: ExtraContext): Promise<NewRendition> {
  const { rung, scratch, made } = context
  const moments = planMoments(rung.durations)
  const inputs = moments.map((_, index) => `moment${index}.mp4`)
  for (const [index, { segments }] of moments.entries()) {
    await fetchSegments(context, segments, inputs[index] ?? '')
  }
  const seconds = moments.map(moment => moment.seconds)
  for (const quality of PREVIEW_QUALITIES) {
    const size = previewSize(rung, quality.scale)
    await runFfmpeg(previewCommand(scratch, { inputs, seconds, size, ...quality }), context)
    const bytes = await sizeOf(scratch, 'preview.webp')
    if (bytes <= PREVIEW_MAX_BYTES) {
      await rename(path.join(scratch, 'preview.webp'), path.join(made, 'preview.webp'))
      return { ...fileRendition('preview', keyOf(context, 'preview.webp'), bytes), ...size }
    }
  }
  throw new VideoError(
    'preview_too_large',
    'The moving preview would be too large: the picture is all noise.',
  )
}

async function makeStoryboard(context: ExtraContext): Promise<NewRendition> {
  const { rung, scratch, made } = context
  const plan = planStoryboard(rung.durations, rung)
  await fetchSegments(context, plan.segments, 'stills.mp4')
  await runFfmpeg(storyboardCommand(scratch, plan), context)
  await rename(path.join(scratch, 'storyboard.jpg'), path.join(made, 'storyboard.jpg'))
  await writeFile(path.join(made, 'storyboard.vtt'), storyboardVtt('storyboard.jpg', plan.tiles))
  const bytes = (await sizeOf(made, 'storyboard.jpg')) + (await sizeOf(made, 'storyboard.vtt'))
  const size = { width: plan.columns * plan.tile.width, height: plan.rows * plan.tile.height }
  return { ...fileRendition('storyboard', keyOf(context, 'storyboard.vtt'), bytes), ...size }
}

async function findRung({ db }: AttemptContext, publicationId: string): Promise<Rung> {
  const rungs = (await publishedStreams(db, publicationId)).flatMap(({ kind, width, height, ...rung }) =>
    kind === 'video' && width && height ? [{ ...rung, width, height }] : [],
  )
  const rung = chooseRung(rungs)
  if (!rung) throw new Error(`publication ${publicationId} has no rung`)
  return {
    width: rung.width,
    height: rung.height,
    folder: path.posix.dirname(rung.key),
    uris: rung.segments.map(segment => segment.uri),
    durations: rung.segments.map(segment => segment.durationSeconds),
  }
}

async function fetchSegments(context: ExtraContext, indexes: number[], file: string): Promise<void> {
  const { rung } = context
  await fetchStretch(
    context,
    rung.folder,
    indexes.map(index => rung.uris[index] ?? ''),
    file,
  )
}

function keyOf({ attempt: { videoId, token } }: ExtraContext, name: string): string {
  return attemptKey(videoId, token, name)
}
