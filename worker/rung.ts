// The rung: one rendition that a ladder had to leave out, made by itself and published beside the others,
// which go on playing whatever becomes of it.
import path from 'node:path'
import { publishRung } from '#db/extend.ts'
import { missingRenditions } from '#db/missing.ts'
import { type PublishedStream, publishedStreams } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { attemptKey } from '#media/keys.ts'
import { masterPlaylist } from '#media/playlist.ts'
import { type AttemptContext, runAttempt, store } from './attempt.ts'
import type { Handler } from './context.ts'
import { encodeTogether } from './encode.ts'
import { OurError, VideoError } from './errors.ts'
import { isLow, RECIPE } from './ffmpeg/plan.ts'
import { FfmpegDied } from './ffmpeg/run.ts'
import { type MeasuredStream, measureRung } from './ffmpeg/verify.ts'
import { describe, writeMediaPlaylist } from './publication.ts'
import { ladderNeeds } from './room.ts'
import { writeScratch } from './scratch-files.ts'
import { readSource } from './source.ts'

export const rung: Handler<'rung'> = (context, { videoId }, job) =>
  runAttempt(context, job, {
    kind: 'rung',
    videoId,
    recipe: RECIPE,
    needs: ladderNeeds,
    make: makeAndPublish,
  })

async function makeAndPublish(context: AttemptContext, video: VideoRow): Promise<void> {
  const { db, boss, job, attempt, scratch } = context
  const publicationId = video.publication_id ?? ''
  const [missing] = (await missingRenditions(db, publicationId)).filter(({ height }) => height !== null)
  if (!missing) throw new Error(`publication ${publicationId} lacks nothing`)
  const { source, plan } = await readSource(context, video)
  const planned = plan.rungs.find(({ name }) => name === nameOf(missing.key))
  if (!planned) {
    throw new VideoError('rung_unplanned', `The settings have no ${nameOf(missing.key)} any more.`)
  }
  const published = await publishedStreams(db, publicationId)
  await encodeTogether(context, source, { ...plan, rungs: [planned], sounds: [] }).catch(cause => {
    if (!(cause instanceof FfmpegDied)) throw cause
    // It has killed FFmpeg before, or nobody would have to ask for it.
    throw new OurError('ffmpeg_dies', `FFmpeg dies of ${planned.name}.`, { cause })
  })
  const made = await measureRung(scratch, planned, published, context.signal)
  await writeMediaPlaylist(scratch, made.stream, made.targetSeconds)
  const fps = plan.frameRate.num / plan.frameRate.den
  await writeScratch(scratch, 'master.m3u8', masterOf(published, made.stream, fps))
  const key = (name: string) => attemptKey(attempt.videoId, attempt.token, name)
  const rendition = { ...describe(made.stream, fps), key: key(`${planned.name}/index.m3u8`) }
  await store(context, scratch, trx =>
    publishRung(trx, boss, job, attempt, {
      ...{ publicationId, rendition, masterKey: key('master.m3u8'), replaces: missing.id },
    }),
  )
}

/** `videos/…/v720/index.m3u8` → `v720` */
function nameOf(key: string): string {
  return path.posix.basename(path.posix.dirname(key))
}

/** Beside the new rung, streams are where they were: in another attempt's folder. */
function masterOf(published: PublishedStream[], made: MeasuredStream, fps: number): string {
  const uriOf = ({ key }: PublishedStream) => `../${key.split('/').slice(2).join('/')}`
  const rates = ({ codecs, peak_bps, average_bps }: PublishedStream) => ({
    ...{ codecs: codecs ?? '', peakBps: peak_bps ?? 0, averageBps: average_bps ?? 0 },
  })
  const sounds = published
    .filter(({ kind }) => kind === 'audio')
    .map(each => ({ uri: uriOf(each), group: nameOf(each.key), ...rates(each) }))
  const audio = sounds.find(({ group }) => group === 'audio') ?? null
  const lowAudio = sounds.find(({ group }) => group === 'audio-low')
  const { track } = made
  if (track.kind !== 'video') throw new Error('a rung without a picture')
  const rungs = [
    ...published
      .filter(({ kind }) => kind === 'video')
      .map(each => ({
        ...{ name: nameOf(each.key), uri: uriOf(each), ...rates(each) },
        ...{ width: each.width ?? 0, height: each.height ?? 0, fps: each.fps ?? fps },
      })),
    {
      ...{ name: made.name, uri: `${made.name}/index.m3u8`, codecs: track.codec },
      ...{ peakBps: made.peakBps, averageBps: made.averageBps },
      ...{ width: track.width, height: track.height, fps },
    },
  ].sort((a, b) => Number(isLow(a)) - Number(isLow(b)) || b.height - a.height)
  return masterPlaylist({
    audio,
    video: rungs.map(({ name, ...variant }) => ({
      ...variant,
      ...(lowAudio && isLow({ name }) && { audio: lowAudio }),
    })),
  })
}
