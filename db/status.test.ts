// What the database refuses whatever the code does: illegal status changes, half-told states.
import { sql } from 'kysely'
import pg from 'pg'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, expectRefused, readVideo, startUpload } from '#test/videos.ts'
import type { VideoStatus } from './schema.ts'
import { createUpload } from './uploads.ts'

const LEGAL: Record<VideoStatus, VideoStatus[]> = {
  uploading: ['queued', 'failed', 'cancelled'],
  queued: ['processing', 'failed', 'cancelled'],
  processing: ['queued', 'ready', 'failed', 'cancelled'],
  ready: [],
  failed: ['queued'],
  cancelled: ['queued'],
}
const WAY: Record<VideoStatus, VideoStatus[]> = {
  uploading: [],
  queued: ['queued'],
  processing: ['queued', 'processing'],
  ready: ['queued', 'processing', 'ready'],
  failed: ['failed'],
  cancelled: ['cancelled'],
}
const statuses = Object.keys(LEGAL) as VideoStatus[]
const pairs = statuses.flatMap(from => statuses.filter(to => to !== from).map(to => ({ from, to })))
const isLegal = ({ from, to }: { from: VideoStatus; to: VideoStatus }) => LEGAL[from].includes(to)

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

describe('status', () => {
  test.each(pairs.filter(isLegal))('a video may go from $from to $to', async ({ from, to }) => {
    const video = await videoIn(from)
    await change(video, to)
    expect((await readVideo(t.db, video.id)).status).toBe(to)
  })

  test.each(pairs.filter(pair => !isLegal(pair)))('Postgres refuses $from → $to', async ({ from, to }) => {
    const video = await videoIn(from)
    await expectRefused(change(video, to), 'videos_legal_transition')
    expect((await readVideo(t.db, video.id)).status).toBe(from)
  })

  test.each(statuses.filter(status => status !== 'uploading'))('no video starts as %s', async status => {
    const insert = t.db
      .insertInto('videos')
      .values({ id: crypto.randomUUID(), title: 'A video', source_key: 'k', source_bytes: 1, status })
    await expectRefused(insert.execute(), 'videos_legal_transition')
  })

  test('there is no other status', async () => {
    const { id } = await videoIn('processing')
    await expectRefused(
      sql`update videos set status = 'done' where id = ${id}`.execute(t.db),
      'videos_legal_transition',
    )
  })
})

describe('a video', () => {
  test('is not ready without a publication, or without the time of it', async () => {
    const { id } = await videoIn('processing')
    const ready = { status: 'ready', ready_at: sql`now()` }
    await expectRefused(set(id, ready), 'videos_ready_has_address')
    const { id: other, publicationId } = await videoIn('processing')
    const published = { publication_id: publicationId, playable_at: sql`now()`, url_hls: 'k' }
    await expectRefused(set(other, { status: 'ready', ...published }), 'videos_ready_is_published')
  })

  test('does not fail without saying why', async () => {
    const { id } = await videoIn('queued')
    await expectRefused(set(id, { status: 'failed' }), 'videos_failed_says_why')
    await expectRefused(set(id, { status: 'failed', error_code: 'x' }), 'videos_failed_says_why')
  })

  test('does not fail while it plays', async () => {
    const { id, publicationId } = await videoIn('processing')
    await set(id, { publication_id: publicationId, playable_at: sql`now()`, url_hls: 'k' })
    const failed = { status: 'failed', error_code: 'x', error_message: 'y' }
    await expectRefused(set(id, failed), 'videos_failed_says_why')
  })

  test('is playable exactly when it has a publication, and has an address at the latest when it is ready', async () => {
    const { id, publicationId } = await videoIn('processing')
    await expectRefused(set(id, { playable_at: sql`now()` }), 'videos_playable_is_published')
    await expectRefused(
      set(id, { publication_id: publicationId, url_hls: 'k' }),
      'videos_playable_is_published',
    )
    const unaddressed = { publication_id: publicationId, playable_at: sql`now()` }
    await expectRefused(set(id, { url_hls: 'k' }), 'videos_address_is_published')
    // As while it grows.
    await set(id, unaddressed)
    await expectRefused(set(id, { status: 'ready', ready_at: sql`now()` }), 'videos_ready_has_address')
    await expectRefused(set(id, { status: 'cancelled' }), 'videos_cancelled_plays_nothing')
  })

  test("cannot play another video's publication", async () => {
    const { id } = await videoIn('processing')
    const other = await videoIn('processing')
    const stolen = { publication_id: other.publicationId, playable_at: sql`now()`, url_hls: 'k' }
    await expectRefused(set(id, stolen), 'videos_publication')
  })

  test.each([-0.01, 1.01, Number.NaN])('has no progress of %d', async progress => {
    const { id } = await videoIn('processing')
    await expectRefused(set(id, { progress }), 'videos_progress_check')
  })

  test('stays deleted: it is not brought back, worked on or published', async () => {
    const video = await videoIn('processing')
    const { id, publicationId } = video
    await set(id, { deleted_at: sql`now()` })
    const final = 'videos_deleted_is_final'
    await expectRefused(set(id, { deleted_at: null }), final)
    await expectRefused(change(video, 'queued'), final)
    await expectRefused(change(video, 'ready'), final)
    await expectRefused(change(video, 'failed'), final)
    const published = { publication_id: publicationId, playable_at: sql`now()`, url_hls: 'k' }
    await expectRefused(set(id, published), final)
    await change(video, 'cancelled')
    expect((await readVideo(t.db, id)).status).toBe('cancelled')
  })

  test('has one running attempt of a kind, another kind beside it, and a next after its end', async () => {
    const { id } = await videoIn('processing')
    const first = await addAttempt(id, 'ladder')
    await expectRefused(addAttempt(id, 'ladder'), 'attempts_one_running')
    await addAttempt(id, 'extra')
    const end = { outcome: 'crashed' as const, ended_at: sql<Date>`now()` }
    await t.db.updateTable('attempts').set(end).where('token', '=', first).execute()
    await addAttempt(id, 'ladder')
  })

  test('has no attempt that ended at no time, or runs and has ended', async () => {
    const { id } = await videoIn('processing')
    const token = await addAttempt(id, 'ladder')
    const update = (values: object) =>
      t.db.updateTable('attempts').set(values).where('token', '=', token).execute()
    await expectRefused(update({ outcome: 'won' }), 'attempts_end_is_dated')
    await expectRefused(update({ ended_at: sql`now()` }), 'attempts_end_is_dated')
  })

  test('has one current publication', async () => {
    const { id, publicationId } = await videoIn('processing')
    const next = { id: crypto.randomUUID(), video_id: id, seq: 2 }
    await expectRefused(t.db.insertInto('publications').values(next).execute(), 'publications_one_current')
    await t.db
      .updateTable('publications')
      .set({ superseded_at: sql<Date>`now()` })
      .where('id', '=', publicationId)
      .execute()
    await t.db.insertInto('publications').values(next).execute()
  })

  test('has no upload that is finished with bytes missing, or got more than it declared', async () => {
    const id = await startUpload(t.db, 10)
    const update = (values: object) =>
      t.db.updateTable('uploads').set(values).where('video_id', '=', id).execute()
    await expectRefused(update({ finished_at: sql`now()`, received: 9 }), 'uploads_finished_is_whole')
    await expectRefused(update({ received: 11 }), 'uploads_received_within_length')
  })
})

describe('every change', () => {
  test('makes a new version, whoever wrote the number', async () => {
    const id = await startUpload(t.db)
    expect((await readVideo(t.db, id)).version).toBe(1)
    await set(id, { title: 'Another' })
    await set(id, { title: 'A third', version: 77 })
    expect((await readVideo(t.db, id)).version).toBe(3)
  })

  test('of status or stage is an event, in order; others are none', async () => {
    const video = await videoIn('processing')
    await set(video.id, { stage: 'encoding' })
    await set(video.id, { progress: 0.5, title: 'Another' })
    await change(video, 'failed')
    const events = await t.db
      .selectFrom('events')
      .select(['stage', 'detail'])
      .where('video_id', '=', video.id)
      .orderBy('id')
      .execute()
    expect(events.map(event => `${event.detail.status} ${event.stage}`)).toEqual([
      'uploading uploading',
      'queued queued',
      'processing processing',
      'processing encoding',
      'failed failed',
    ])
  })

  test('sends the id to every listener at its commit, and nothing at a rollback', async () => {
    const heard: (string | undefined)[] = []
    const listener = new pg.Client({ connectionString: t.url })
    await listener.connect()
    try {
      listener.on('notification', message => heard.push(message.payload))
      await listener.query('listen pgreel_video')
      const undone = t.db.transaction().execute(async trx => {
        const upload = { id: crypto.randomUUID(), title: 'Undone', length: 1, sourceKey: 'k', metadata: {} }
        await createUpload(trx, upload)
        throw new Error('rolled back')
      })
      await expect(undone).rejects.toThrow('rolled back')
      const id = await startUpload(t.db)
      await expect.poll(() => heard).toEqual([id])
      await set(id, { progress: 0.5 })
      await expect.poll(() => heard).toEqual([id, id])
    } finally {
      await listener.end()
    }
  })
})

interface TestVideo {
  id: string
  /** of its own; it plays from it only as `ready` */
  publicationId: string
}

async function videoIn(status: VideoStatus): Promise<TestVideo> {
  const video = { id: await startUpload(t.db), publicationId: crypto.randomUUID() }
  await t.db
    .insertInto('publications')
    .values({ id: video.publicationId, video_id: video.id, seq: 1 })
    .execute()
  for (const step of WAY[status]) await change(video, step)
  return video
}

/** With all that the new status wants beside it: nothing but the change itself can be refused. */
async function change({ id, publicationId }: TestVideo, status: VideoStatus): Promise<void> {
  const isReady = status === 'ready'
  const isFailed = status === 'failed'
  await set(id, {
    status,
    stage: status,
    publication_id: isReady ? publicationId : null,
    url_hls: isReady ? 'videos/a/b/master.m3u8' : null,
    playable_at: isReady ? sql`now()` : null,
    ready_at: isReady ? sql`now()` : null,
    error_code: isFailed ? 'test' : null,
    error_message: isFailed ? 'A test.' : null,
  })
}

async function set(id: string, values: object): Promise<void> {
  await t.db.updateTable('videos').set(values).where('id', '=', id).execute()
}

async function addAttempt(videoId: string, kind: 'ladder' | 'extra'): Promise<string> {
  const token = crypto.randomUUID()
  await t.db
    .insertInto('attempts')
    .values({ token, video_id: videoId, kind, recipe: 'test', worker_id: crypto.randomUUID() })
    .execute()
  return token
}
