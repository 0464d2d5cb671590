// The poster that its uploader gave a video: a moment of what plays, or a stranger's picture, cut to the
// video's shape. The video is ready before and stays so; what cannot be read is told to its uploader.
import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { publishPoster } from '#db/extend.ts'
import { readWish } from '#db/given.ts'
import { type PublishedStream, publishedStreams } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { errorCode } from '#media/disk-files.ts'
import { imageFormat } from '#media/image-format.ts'
import { attemptKey } from '#media/keys.ts'
import { type AttemptContext, runAttempt, store } from './attempt.ts'
import type { Handler } from './context.ts'
import { VideoError } from './errors.ts'
import { givenPosterCommand, posterCommand } from './ffmpeg/args.ts'
import { BT709 } from './ffmpeg/colour.ts'
import { chooseStill, placeOf } from './ffmpeg/plan-extra.ts'
import { FfmpegDied, FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import { sizeOf } from './ffmpeg/verify.ts'
import { takePlaceholder } from './placeholder.ts'
import { fileRendition } from './publication.ts'
import { posterNeeds } from './room.ts'
import { fetchStretch } from './stretch.ts'

const RECIPE = 'jpeg-q4-1'
const FILE = 'poster.jpg'
const PICTURE = 'given'
const STRETCH = 'stretch.mp4'

export const poster: Handler<'poster'> = (context, { videoId }, job) =>
  runAttempt(context, job, {
    kind: 'poster',
    videoId,
    recipe: RECIPE,
    needs: posterNeeds,
    make: makeAndPublish,
  })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  const { db, boss, job, attempt, scratch } = context
  const publicationId = video.publication_id ?? ''
  const [wish, streams] = await Promise.all([
    readWish(db, attempt.videoId),
    publishedStreams(db, publicationId),
  ])
  const rung = chooseStill(streams)
  if (!wish || !rung) throw new Error(`video ${attempt.videoId} has nothing to make a poster of`)
  // FFmpeg's box has the one; the other, where we write as well, nobody else can reach.
  const [work, made] = [path.join(scratch, 'work'), path.join(scratch, 'made')]
  for (const folder of [work, made]) await mkdir(folder)
  const own = { ...context, scratch: work }
  if (wish.image) await drawPicture(own, wish.image, rung)
  else await drawMoment(own, rung, wish.at_seconds ?? 0)
  await rename(path.join(work, FILE), path.join(made, FILE))
  const key = attemptKey(attempt.videoId, attempt.token, FILE)
  const placeholder = await takePlaceholder(work)
  const { width, height } = rung
  const rendition = { ...fileRendition('poster', key, await sizeOf(made, FILE)), width, height }
  await store(context, made, trx =>
    publishPoster(trx, boss, job, attempt, { publicationId, wish: wish.wish, rendition, placeholder }),
  )
}

type Still = PublishedStream & { width: number; height: number }

async function drawMoment(context: AttemptContext, rung: Still, atSeconds: number): Promise<void> {
  const { scratch } = context
  const { uri, offsetSeconds } = placeOf(rung.segments, atSeconds, 1 / (rung.fps ?? 1))
  await fetchStretch(context, path.posix.dirname(rung.key), [uri], STRETCH)
  const still = { input: STRETCH, size: rung, atSeconds: offsetSeconds, colour: BT709 }
  await runFfmpeg(posterCommand(scratch, still), context)
}

async function drawPicture(context: AttemptContext, image: Buffer, size: Still): Promise<void> {
  const { scratch } = context
  const format = imageFormat(image)
  if (!format) throw unreadable()
  await writeFile(path.join(scratch, PICTURE), image)
  try {
    await runFfmpeg(givenPosterCommand(scratch, { input: PICTURE, format, size }), context)
    await sizeOf(scratch, FILE)
  } catch (error) {
    // FFmpeg is content with nothing to write; and what it dies of is the picture.
    const isTheirs =
      error instanceof FfmpegFailed || error instanceof FfmpegDied || errorCode(error) === 'ENOENT'
    throw isTheirs ? unreadable(error) : error
  }
}

function unreadable(cause?: unknown): VideoError {
  return new VideoError(
    'poster_unreadable',
    'This picture could not be read. Choose another one: a JPEG, PNG or WebP file.',
    { cause },
  )
}
