// Publishes what FFmpeg writes while it writes: each segment is looked at, stored, then listed. FFmpeg
// renames a segment when it is whole and lists it in its own playlist, which is what is followed here.
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { JobLost } from '#db/boss.ts'
import { completeFirst, type Grown, grow, publishGrowing } from '#db/first.ts'
import type { NewRendition, Poster, Segment } from '#db/publish.ts'
import { isGone } from '#db/videos.ts'
import { attemptKey, attemptPrefix, videoPrefix } from '#media/keys.ts'
import { mediaPlaylist, playlistEnds, playlistUris } from '#media/playlist.ts'
import type { AttemptContext } from './attempt.ts'
import { INIT_SEGMENT, SCRATCH_PLAYLIST } from './ffmpeg/args.ts'
import type { FirstPlan, FirstStream } from './ffmpeg/plan-first.ts'
import { type MeasuredStream, Meter, requireWhole, Unplayable } from './ffmpeg/verify.ts'
import { hasStill, tryPoster } from './poster.ts'
import { describe, master } from './publication.ts'
import { openFolder, readScratchIfThere, writeScratch } from './scratch-files.ts'

const LOOK_EVERY_MS = 20
const LOOK_LATER_EVERY_MS = 200
// Players ask every one or two seconds.
const TELL_EVERY_MS = 500

interface Growing {
  stream: FirstStream
  meter: Meter
  /** FFmpeg has written its last segment */
  hasEnd: boolean
}

/**
 * @param run FFmpeg, from its start to its end; `unhurried` fires when somebody can watch
 * @throws Unplayable when what it wrote would not play; what was listed by then stays listed until a
 *   later publication takes its place
 */
export async function growPublication(
  given: AttemptContext,
  plan: FirstPlan,
  run: (signals: { signal: AbortSignal; unhurried: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  const watchable = new AbortController()
  const context = { ...given, signal: AbortSignal.any([given.signal, over.signal]) }
  const growing = plan.streams.map(
    (stream): Growing => ({ stream, meter: new Meter(context.scratch, stream.name), hasEnd: false }),
  )
  let publicationId: string | null = null
  let poster: Promise<Poster | null> | null = null
  let told = 0
  let isUntold = false
  let hasEnded = false
  const ended = run({ signal: context.signal, unhurried: watchable.signal }).finally(() => {
    hasEnded = true
  })
  ended.catch(nothing) // awaited below
  let isNamed = false
  try {
    for (;;) {
      // In this order: what was written before the end is looked at after it.
      const isLast = hasEnded
      if (isLast) await ended
      isUntold = (await takeNew(context, growing)) || isUntold
      const has = growing.filter(each => listable(each, isLast).length > 0)
      const isComplete = has.length === growing.length || (isLast && has.some(isVideo))
      // The end is told together with the list's.
      const isTime = !isLast && performance.now() - told > TELL_EVERY_MS
      if (publicationId === null && isComplete && (isUntold || isLast)) {
        isNamed = true // perhaps, when the transaction throws
        publicationId = await begin(context, plan, has, isLast)
        isNamed = publicationId !== null
        if (!hasEnded) watchable.abort()
        told = performance.now()
        isUntold = false
      } else if (publicationId !== null && isUntold && isTime) {
        if (!(await grow(context.db, context.attempt, has.map(grownOf(context, isLast))))) context.lose()
        told = performance.now()
        isUntold = false
      }
      context.signal.throwIfAborted()
      const seen = growing.find(isVideo)?.meter.segments ?? []
      if (publicationId && (isLast || hasStill(seen)))
        poster ??= tryPoster(context, plan, publicationId, seen)
      if (!isLast) {
        await Promise.race([delay(publicationId ? LOOK_LATER_EVERY_MS : LOOK_EVERY_MS), ended])
        continue
      }
      if (publicationId === null) throw new Unplayable('the first rung has no segment')
      return await finish(context, plan, publicationId, has, await poster)
    }
  } catch (error) {
    if (error instanceof JobLost && publicationId === null) isNamed = false
    throw error
  } finally {
    // Nothing writes any more before rubbish is looked for, however this ends.
    over.abort(new Error('the first rung has ended'))
    await Promise.allSettled([ended, poster])
    await removeRubbish(given, plan, isNamed)
  }
}

function nothing(): void {}

/**
 * What no publication names. Where one may, the sweep knows better than we do, from the attempt's row;
 * but with a deleted video that goes, too.
 */
async function removeRubbish(
  { db, storage, log, attempt: { videoId, token } }: AttemptContext,
  { streams }: FirstPlan,
  isNamed: boolean,
): Promise<void> {
  try {
    if (await isGone(db, videoId)) await storage.remove(videoPrefix(videoId))
    else if (!isNamed)
      for (const { name } of streams) await storage.remove(`${attemptPrefix(videoId, token)}/${name}`)
  } catch (error) {
    log.warn({ err: error }, 'files of a first rung not removed')
  }
}

function isVideo({ stream }: Growing): boolean {
  return stream.kind === 'video'
}

/** Looks at what is new and stores it. @returns whether there was anything */
async function takeNew({ scratch, storage, attempt, signal }: AttemptContext, growing: Growing[]) {
  await using folders = new AsyncDisposableStack()
  const files: { file: string; key: string }[] = []
  for (const each of growing) {
    const { stream, meter } = each
    const list = await readScratchIfThere(scratch, `${stream.name}/${SCRATCH_PLAYLIST}`)
    const playlist = list?.toString() ?? ''
    each.hasEnd = playlistEnds(playlist)
    const uris = playlistUris(playlist).filter(uri => uri !== INIT_SEGMENT)
    if (uris.length === meter.segments.length) continue
    // FFmpeg still runs: until they are stored, files stay where they were looked at.
    const folder = folders.use(await openFolder(scratch, stream.name))
    for (const uri of uris.slice(meter.segments.length)) {
      signal.throwIfAborted()
      await meter.add(uri, stream.targetSeconds)
      for (const name of meter.segments.length === 1 ? [INIT_SEGMENT, uri] : [uri]) {
        const key = attemptKey(attempt.videoId, attempt.token, `${stream.name}/${name}`)
        files.push({ file: path.join(folder.place, name), key })
      }
    }
  }
  await storage.putFiles(files)
  return files.length > 0
}

async function begin(context: AttemptContext, plan: FirstPlan, has: Growing[], isWhole: boolean) {
  const { db, boss, job, attempt, log } = context
  const [picture] = plan.rungs
  const renditions = has.map((each): NewRendition => {
    const { stream, meter } = each
    const { peakBps, averageBps, targetSeconds } = stream
    const rates = isWhole ? {} : { peakBps, averageBps, targetSeconds }
    return {
      ...describe(meter.measured(), stream.size?.fps ?? 0),
      ...grownOf(context, isWhole)(each),
      ...rates,
    }
  })
  const publicationId = await db.transaction().execute(trx =>
    publishGrowing(trx, boss, job, attempt, {
      ...{ durationSeconds: plan.durationSeconds, width: picture?.width ?? 0, height: picture?.height ?? 0 },
      ...{ renditions, isWhole },
    }),
  )
  if (publicationId) log.info({ publication: publicationId }, 'playable')
  return publicationId
}

function grownOf({ attempt }: AttemptContext, isWhole: boolean) {
  return (each: Growing): Grown => ({
    key: attemptKey(attempt.videoId, attempt.token, `${each.stream.name}/index.m3u8`),
    segments: listable(each, isWhole),
    bytes: each.meter.measured().bytes,
  })
}

/**
 * The last segment comes together with the end of its list: a player that has it already does not take
 * an end that is told later, and stands still there (VHS asks itself only when it appends a segment).
 * Which one is the last only FFmpeg knows: indexes err, and sound ends where it likes.
 */
function listable({ meter, hasEnd }: Growing, isWhole: boolean): Segment[] {
  return hasEnd && !isWhole ? meter.segments.slice(0, -1) : meter.segments
}

/** Playlists into the storage, and the transaction that names them. */
async function finish(
  context: AttemptContext,
  plan: FirstPlan,
  publicationId: string,
  has: Growing[],
  poster: Poster | null,
): Promise<void> {
  const { db, boss, storage, scratch, attempt, job } = context
  const targetSeconds = Math.max(...plan.streams.map(stream => stream.targetSeconds))
  const measured = has.map(({ meter }) => meter.measured(targetSeconds))
  const video = measured.filter(({ track }) => track.kind === 'video')
  const audio = measured.find(({ track }) => track.kind === 'audio') ?? null
  requireWhole({ video, audio }, plan)
  const fps = plan.frameRate.num / plan.frameRate.den
  const playlists = [
    ...measured.map(stream => [`${stream.name}/index.m3u8`, listOf(stream, targetSeconds)] as const),
    ['master.m3u8', master({ video, audio, lowAudio: null }, fps)] as const,
  ]
  const files: { file: string; key: string }[] = []
  for (const [name, text] of playlists) {
    await writeScratch(scratch, name, text)
    files.push({ file: path.join(scratch, name), key: attemptKey(attempt.videoId, attempt.token, name) })
  }
  await storage.putFiles(files)
  await db.transaction().execute(trx =>
    completeFirst(trx, boss, job, attempt, publicationId, {
      masterKey: attemptKey(attempt.videoId, attempt.token, 'master.m3u8'),
      poster,
      durationSeconds: video[0]?.durationSeconds ?? 0,
      renditions: has.map(each => {
        const { peakBps, averageBps } = each.meter.measured(targetSeconds)
        return { ...grownOf(context, true)(each), peakBps, averageBps }
      }),
    }),
  )
}

function listOf({ segments }: MeasuredStream, targetDuration: number): string {
  return mediaPlaylist({ init: INIT_SEGMENT, segments, targetDuration })
}
