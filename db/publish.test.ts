import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import {
  attemptsOf,
  claimVideo,
  emptyDatabase,
  expectRefused,
  extendVideo,
  extraOf,
  liveJobs,
  processVideo,
  publicationOf,
  readVideo,
  snapshot,
  takeAway,
} from '#test/videos.ts'
import { JobLost } from './boss.ts'
import { publishExtra } from './extend.ts'
import { publish } from './publish.ts'
import { findVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

test('publishing makes the video ready, ends the attempt as won and completes the job', async () => {
  const { id, attempt, job } = await processVideo(t)
  const publication = publicationOf(attempt)
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publication))
  expect(await findVideo(t.db, id)).toMatchObject({
    status: 'ready',
    progress: 1,
    url_hls: publication.masterKey,
    url_mp4: publication.mp4Key,
    thumbnail: null,
    placeholder: null,
    duration_ms: 2000,
    width: 320,
    height: 240,
    playable_at: expect.any(Date),
    ready_at: expect.any(Date),
    renditions: [{ kind: 'video', width: 320, height: 240, codecs: 'avc1.64000d', state: 'ready' }],
  })
  expect(await attemptsOf(t.db, id)).toMatchObject([{ token: attempt.token, outcome: 'won' }])
  expect(await liveJobs(t.boss, 'ladder', id)).toEqual([])
  expect(await liveJobs(t.boss, 'extra', id)).toEqual(['created'])
})

test('the extra carries the request that the ladder was made for', async () => {
  const { id, attempt, job } = await processVideo(t)
  const asked = { ...job, data: { videoId: id, requestId: 'r-1' } }
  await t.db.transaction().execute(trx => publish(trx, t.boss, asked, attempt, publicationOf(attempt)))
  const [extra] = await t.boss.findJobs('extra', { key: id })
  expect(extra?.data).toEqual({ videoId: id, requestId: 'r-1' })
})

test('a publish whose last statement fails leaves nothing behind', async () => {
  const { attempt, job } = await processVideo(t)
  const before = await snapshot(t.db)
  const broken = { ...publicationOf(attempt), durationSeconds: 0 }
  const failing = t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, broken))
  // The update of the video comes last: by then every other row of the publication was written.
  await expect(failing).rejects.toMatchObject({ constraint: 'videos_duration_ms_check' })
  expect(await snapshot(t.db)).toEqual(before)
  const whole = publicationOf(attempt)
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, whole))
})

test('two that publish with one token: one wins, the other changes nothing', async () => {
  const { id, attempt, job } = await processVideo(t)
  const once = () =>
    t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  const results = await Promise.allSettled([once(), once()])
  expect(results.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find(result => result.status === 'rejected')).toMatchObject({ reason: expect.any(JobLost) })
  expect(await t.db.selectFrom('publications').selectAll().where('video_id', '=', id).execute()).toHaveLength(
    1,
  )
})

test('a publish after the job was taken away changes nothing', async () => {
  const { id, attempt, job } = await processVideo(t)
  await takeAway(t, id)
  const before = await snapshot(t.db)
  const late = t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  await expect(late).rejects.toThrow(JobLost)
  expect(await snapshot(t.db)).toEqual(before)
})

test('the video is playable in the same instant as it is ready, and knows when', async () => {
  const { id, attempt, job } = await processVideo(t)
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  const { rows } = await sql<{ same: boolean }>`
    select playable_at = ready_at as same from videos where id = ${id}`.execute(t.db)
  expect(rows).toEqual([{ same: true }])
})

test("the probe's size of the source is kept", async () => {
  const { id, attempt, job } = await processVideo(t)
  await t.db.updateTable('videos').set({ width: 161, height: 121 }).where('id', '=', id).execute()
  await t.db.transaction().execute(trx => publish(trx, t.boss, job, attempt, publicationOf(attempt)))
  expect(await readVideo(t.db, id)).toMatchObject({ width: 161, height: 121 })
})

test("an attempt's keys are its own: no other publication can name them", async () => {
  const first = await processVideo(t)
  const publication = publicationOf(first.attempt)
  await t.db.transaction().execute(trx => publish(trx, t.boss, first.job, first.attempt, publication))
  const second = await processVideo(t)
  const copied = t.db
    .transaction()
    .execute(trx => publish(trx, t.boss, second.job, second.attempt, publication))
  await expect(copied).rejects.toMatchObject({ constraint: 'renditions_key_key' })
  expect(await claimVideo(t, second.id)).toMatchObject({ videoId: second.id })
})

describe('publishing an extra', () => {
  const begin = async () => {
    const work = await extendVideo(t)
    const { publication_id } = await readVideo(t.db, work.id)
    const extra = extraOf(work.attempt, publication_id)
    const publishIt = () =>
      t.db.transaction().execute(trx => publishExtra(trx, t.boss, work.job, work.attempt, extra))
    return { ...work, extra, publishIt }
  }

  test('adds it to what plays: nothing else of the video changes, and nobody hears of a stage', async () => {
    const { id, attempt, publishIt } = await begin()
    const before = await findVideo(t.db, id)
    const events = await t.db.selectFrom('events').selectAll().execute()
    expect(await publishIt()).toBe(true)
    const after = await findVideo(t.db, id)
    expect(after).toEqual({
      ...before,
      publication_id: expect.any(String),
      url_preview: expect.stringContaining(`${attempt.token}/preview.webp`),
      url_storyboard: expect.stringContaining(`${attempt.token}/storyboard.vtt`),
      version: (before?.version ?? 0) + 1,
      renditions: expect.any(Array),
    })
    expect(after?.renditions.map(({ kind }) => kind)).toEqual(['preview', 'storyboard', 'video'])
    expect(await t.db.selectFrom('events').selectAll().execute()).toEqual(events)
    const publications = await t.db.selectFrom('publications').selectAll().orderBy('seq').execute()
    expect(publications).toMatchObject([
      { seq: 1, superseded_at: expect.any(Date) },
      { seq: 2, superseded_at: null, master_key: before?.url_hls },
    ])
    expect((await attemptsOf(t.db, id)).map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'ladder won',
      'extra won',
    ])
    expect(await liveJobs(t.boss, 'extra', id)).toEqual([])
  })

  test('by two at once: one wins, the other changes nothing', async () => {
    const { publishIt } = await begin()
    const results = await Promise.allSettled([publishIt(), publishIt()])
    expect(results.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await t.db.selectFrom('publications').selectAll().execute()).toHaveLength(2)
  })

  test('with a stale token changes nothing', async () => {
    const { id, publishIt } = await begin()
    await claimVideo(t, id, undefined, 'extra')
    const before = await snapshot(t.db)
    await expect(publishIt()).rejects.toThrow(JobLost)
    expect(await snapshot(t.db)).toEqual(before)
  })

  test('of a publication that is not the current one any more: it is made again from that one', async () => {
    const { id, publishIt } = await begin()
    await sql`update publications set superseded_at = now()`.execute(t.db)
    await sql`with newer as (
        insert into publications (id, video_id, seq) values (gen_random_uuid(), ${id}, 2) returning id)
      update videos set publication_id = newer.id from newer`.execute(t.db)
    const before = await readVideo(t.db, id)
    expect(await publishIt()).toBe(false)
    expect(await readVideo(t.db, id)).toEqual(before)
    expect((await attemptsOf(t.db, id)).at(-1)).toMatchObject({ kind: 'extra', outcome: 'lost' })
    expect(await liveJobs(t.boss, 'extra', id)).toEqual(['created'])
  })

  test('is not begun again when it is there', async () => {
    const { id, publishIt } = await begin()
    await publishIt()
    await t.boss.send('extra', { videoId: id }, { singletonKey: id })
    await expect(claimVideo(t, id, undefined, 'extra')).rejects.toThrow('nothing to claim')
  })
})

describe('the database refuses', () => {
  test('an image that the current publication does not have, or that is of another kind', async () => {
    const { id, attempt, job } = await extendVideo(t)
    const { publication_id } = await readVideo(t.db, id)
    const set = (values: { url_preview?: string; url_storyboard?: string; publication_id?: string }) =>
      t.db.updateTable('videos').set(values).where('id', '=', id).execute()
    const extra = extraOf(attempt, publication_id)
    const [preview, storyboard] = extra.renditions.map(made => made.key)
    await expectRefused(set({ url_preview: preview }), 'videos_extra_is_published')
    await t.db.transaction().execute(trx => publishExtra(trx, t.boss, job, attempt, extra))
    await expectRefused(set({ url_preview: storyboard }), 'videos_extra_is_published')
    await expectRefused(set({ url_storyboard: preview }), 'videos_extra_is_published')
    await expectRefused(set({ publication_id: publication_id ?? '' }), 'videos_extra_is_published')
    await set({ url_preview: preview, url_storyboard: storyboard })
  })

  test('an image under another attempt’s token', async () => {
    const { attempt, job, id } = await extendVideo(t)
    const { publication_id } = await readVideo(t.db, id)
    const foreign = extraOf({ ...attempt, token: crypto.randomUUID() }, publication_id)
    const publishing = t.db.transaction().execute(trx => publishExtra(trx, t.boss, job, attempt, foreign))
    await expectRefused(publishing, 'renditions_extra_is_its_attempts')
  })

  test('a source that is gone while its video is not ready', async () => {
    const { id } = await processVideo(t)
    const gone = t.db
      .updateTable('videos')
      .set({ source_removed_at: new Date() })
      .where('id', '=', id)
      .execute()
    await expectRefused(gone, 'videos_source_removed_when_ready')
  })
})
