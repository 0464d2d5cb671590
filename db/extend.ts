// Publishing what comes to a video that plays: a new publication of all that it had, and more.
import { type Attempt, loseAndRepeat, win } from './attempts.ts'
import { type Boss, type Job, send } from './boss.ts'
import type { Trx } from './client.ts'
import { sendPoster } from './given.ts'
import { jobs } from './jobs.ts'
import { missingRenditions } from './missing.ts'
import { type NewRendition, supersede } from './publish.ts'
import type { RenditionKind } from './schema.ts'
import type { Failure } from './settle.ts'

interface Extension {
  /** the publication it was made from */
  publicationId: string
  renditions: NewRendition[]
  /** null: the address stays as it is */
  masterKey: string | null
  /** id of a rendition that could not be made, and is there now */
  replaces: string | null
}

export interface NewExtra extends Pick<Extension, 'publicationId' | 'renditions'> {
  /** why one of the two is not among them */
  leftOut: Failure | null
}

/**
 * As `publish`: what plays stays as it is, preview and storyboard come to it.
 * @returns false when the video plays from another publication by now: the work is sent again, and
 *   the caller removes its files
 * @throws JobLost as `publish`
 */
export async function publishExtra(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  { leftOut, ...extra }: NewExtra,
): Promise<boolean> {
  const keyOf = (kind: RenditionKind) => extra.renditions.find(made => made.kind === kind)?.key ?? null
  const publicationId = await extend(
    ...([trx, boss, job, attempt, { ...extra, masterKey: null, replaces: null }, leftOut] as const),
  )
  if (publicationId === null) return false
  await trx
    .updateTable('videos')
    .set({
      publication_id: publicationId,
      url_preview: keyOf('preview'),
      url_storyboard: keyOf('storyboard'),
    })
    .where('id', '=', attempt.videoId)
    .execute()
  return true
}

export interface NewPoster {
  publicationId: string
  /** that it was made of */
  wish: string
  rendition: NewRendition
  placeholder: string | null
}

/** As `publishExtra`, of the poster that was given; another wish that has come meanwhile is another job. */
export async function publishPoster(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  { publicationId: madeFrom, wish, rendition, placeholder }: NewPoster,
): Promise<boolean> {
  const { videoId } = attempt
  const extension = { publicationId: madeFrom, renditions: [rendition], masterKey: null, replaces: null }
  const publicationId = await extend(trx, boss, job, attempt, extension)
  if (publicationId === null) return false
  const made = await trx
    .selectFrom('renditions')
    .select('id')
    .where('key', '=', rendition.key)
    .executeTakeFirstOrThrow()
  await trx
    .deleteFrom('publication_renditions')
    .using('renditions')
    .whereRef('renditions.id', '=', 'rendition_id')
    .where('publication_id', '=', publicationId)
    .where('kind', '=', 'poster')
    .where('rendition_id', '<>', made.id)
    .execute()
  await trx
    .updateTable('given_posters')
    .set({ rendition_id: made.id, placeholder, at_seconds: null, image: null })
    .where('video_id', '=', videoId)
    .where('wish', '=', wish)
    .execute()
  await trx
    .updateTable('videos')
    .set({ publication_id: publicationId, thumbnail: rendition.key, placeholder })
    .where('id', '=', videoId)
    .execute()
  await sendPoster(trx, boss, videoId, jobs.poster.data.parse(job.data).requestId)
  return true
}

export interface NewRung {
  publicationId: string
  rendition: NewRendition
  /** lists the rung beside all that there was */
  masterKey: string
  /** id of the rendition that could not be made before */
  replaces: string
}

/** As `publishExtra`, of one rung; what is missing still is sent in the same transaction. */
export async function publishRung(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  { rendition, ...rung }: NewRung,
): Promise<boolean> {
  const publicationId = await extend(trx, boss, job, attempt, { ...rung, renditions: [rendition] })
  if (publicationId === null) return false
  await trx
    .updateTable('videos')
    .set({ publication_id: publicationId, url_hls: rung.masterKey })
    .where('id', '=', attempt.videoId)
    .execute()
  const missing = await missingRenditions(trx, publicationId)
  if (missing.some(({ height }) => height !== null))
    await send(trx, boss, 'rung', jobs.rung.data.parse(job.data))
  return true
}

/** @returns the id of the new publication; null when another has come meanwhile */
async function extend(
  trx: Trx,
  boss: Boss,
  job: Job,
  attempt: Attempt,
  extension: Extension,
  leftOut?: Failure | null,
): Promise<string | null> {
  const current = await trx
    .selectFrom('publications')
    .innerJoin('videos', 'videos.publication_id', 'publications.id')
    .select(['publications.id', 'master_key'])
    .where('videos.id', '=', attempt.videoId)
    .forUpdate('videos')
    .executeTakeFirst()
  if (!current || !(await playsTheSame(trx, current, extension.publicationId))) {
    await loseAndRepeat(trx, boss, job, attempt)
    return null
  }
  await win(trx, boss, job, attempt, leftOut)
  const masterKey = extension.masterKey ?? current.master_key
  const publicationId = await supersede(trx, attempt, masterKey, extension.renditions)
  await trx
    .insertInto('publication_renditions')
    .columns(['publication_id', 'rendition_id'])
    .expression(
      trx
        .selectFrom('publication_renditions')
        .select(eb => [eb.val(publicationId).as('publication_id'), 'rendition_id'])
        .where('publication_id', '=', current.id)
        .$if(extension.replaces !== null, query => query.where('rendition_id', '<>', extension.replaces)),
    )
    // A poster that was given is there already.
    .onConflict(conflict => conflict.doNothing())
    .execute()
  return publicationId
}

/** A poster that has come meanwhile changes no stream. */
async function playsTheSame(
  trx: Trx,
  current: { id: string; master_key: string | null },
  publicationId: string,
): Promise<boolean> {
  if (current.id === publicationId) return true
  const known = await trx
    .selectFrom('publications')
    .select('master_key')
    .where('id', '=', publicationId)
    .executeTakeFirst()
  return current.master_key !== null && known?.master_key === current.master_key
}
