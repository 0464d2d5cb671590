// What uploaders give beside the file, as the database keeps it.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  claimVideo,
  emptyDatabase,
  liveJobs,
  processVideo,
  publicationOf,
  readVideo,
  readyVideo,
  startUpload,
  takeJob,
} from '#test/videos.ts'
import { fail } from './attempts.ts'
import type { Trx } from './client.ts'
import { publishPoster } from './extend.ts'
import { findCaptions, giveCaptions, givePoster, MAX_GIVEN_CAPTIONS } from './given.ts'
import { videosWithoutPoster } from './heal.ts'
import { supersede } from './publish.ts'
import { deleteVideo, forgetVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

const inTransaction = <T>(work: (trx: Trx) => Promise<T>) => t.db.transaction().execute(work)
const give = (id: string, language: string, vtt: string | null) =>
  inTransaction(trx => giveCaptions(trx, id, language, vtt))
const wishFor = (id: string, atSeconds: number) =>
  inTransaction(trx => givePoster(trx, t.boss, id, { atSeconds }))

test('captions are there from the first byte on, replaced, removed, and gone with their video', async () => {
  const id = await startUpload(t.db)
  expect(await give(id, 'en', 'first')).toBe('done')
  const first = await findCaptions(t.db, id, 'en')
  expect(await give(id, 'en', 'second')).toBe('done')
  const second = await findCaptions(t.db, id, 'en')
  expect([first?.vtt, second?.vtt]).toEqual(['first', 'second'])
  expect(first?.digest).not.toBe(second?.digest)
  await give(id, 'en', null)
  expect(await findCaptions(t.db, id, 'en')).toBeNull()
  await give(id, 'de', 'dritte')
  await inTransaction(trx => deleteVideo(trx, t.boss, id))
  expect(await findCaptions(t.db, id, 'de')).toBeNull()
  expect(await give(id, 'de', 'vierte')).toBe('not found')
  await forgetVideo(t.db, id)
  expect(await t.db.selectFrom('given_captions').selectAll().execute()).toEqual([])
})

test('a video has captions in so many languages and no more, also when all are sent at once', async () => {
  const id = await startUpload(t.db)
  const tags = Array.from({ length: MAX_GIVEN_CAPTIONS + 2 }, (_, index) => `x-${index}`)
  const outcomes = await Promise.all(tags.map(tag => give(id, tag, 'text')))
  expect(outcomes.filter(outcome => outcome === 'too many')).toHaveLength(2)
  expect(await give(id, tags[outcomes.indexOf('done')] ?? '', 'another')).toBe('done')
})

test('the poster that was given is in whatever is published later, and is shown', async () => {
  const { id, key } = await withPoster()
  const attempt = { token: crypto.randomUUID(), videoId: id, kind: 'ladder' as const }
  await inTransaction(async trx => {
    await sql`insert into attempts (token, video_id, kind, recipe, worker_id)
      values (${attempt.token}, ${id}, 'ladder', 'test', ${id})`.execute(trx)
    const next = publicationOf(attempt)
    const publicationId = await supersede(trx, attempt, next.masterKey, next.renditions)
    await trx
      .updateTable('videos')
      .set({ publication_id: publicationId, thumbnail: 'a poster of its own', placeholder: null })
      .where('id', '=', id)
      .execute()
    await sql`update attempts set outcome = 'won', ended_at = now() where token = ${attempt.token}`.execute(
      trx,
    )
  })
  expect(await readVideo(t.db, id)).toMatchObject({ thumbnail: key, placeholder: 'data:image/jpeg;base64,x' })
})

test('a poster that was given cannot be forgotten while it is shown', async () => {
  const { key } = await withPoster()
  await expect(t.db.deleteFrom('renditions').where('key', '=', key).execute()).rejects.toThrow(
    'given_posters',
  )
})

test('a wish outlives a ladder that failed', async () => {
  const { id, attempt, job } = await processVideo(t)
  await wishFor(id, 3)
  const bad = { cause: 'video', code: 'bad', message: 'It is bad.' } as const
  await inTransaction(trx => fail(trx, t.boss, job, attempt, bad))
  const wish = await t.db.selectFrom('given_posters').selectAll().executeTakeFirst()
  expect(wish).toMatchObject({ at_seconds: 3, error_code: null })
})

test('a wish whose job was lost is found', async () => {
  const id = await readyVideo(t)
  await wishFor(id, 3)
  expect(await liveJobs(t.boss, 'poster', id)).toEqual(['created'])
  expect(await videosWithoutPoster(t.db)).toEqual([])
  await sql`delete from pgboss.job where name = 'poster'`.execute(t.db)
  expect(await videosWithoutPoster(t.db)).toEqual([id])
})

/** A video that is ready and has been given a poster. */
async function withPoster(): Promise<{ id: string; key: string }> {
  const id = await readyVideo(t)
  await wishFor(id, 3)
  const job = await takeJob(t.boss, 'poster')
  const attempt = await claimVideo(t, id, job, 'poster')
  const { publication_id } = await readVideo(t.db, id)
  const { wish } = await t.db.selectFrom('given_posters').select('wish').executeTakeFirstOrThrow()
  const key = `videos/${id}/${attempt.token}/poster.jpg`
  const [model] = publicationOf(attempt).renditions
  if (!model) throw new Error('a publication without a rendition')
  const rendition = { ...model, kind: 'poster' as const, key, segments: [] }
  await inTransaction(trx =>
    publishPoster(trx, t.boss, job, attempt, {
      ...{ publicationId: publication_id ?? '', wish, rendition },
      placeholder: 'data:image/jpeg;base64,x',
    }),
  )
  return { id, key }
}
