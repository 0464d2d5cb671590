// The feed: one order for everyone, page by page, whatever happens meanwhile.
import { CompiledQuery, sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import type { Db } from '#db/client.ts'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase } from '#test/videos.ts'
import { type ListPosition, listVideos } from './listing.ts'
import { deleteVideo, editVideo } from './videos.ts'

const ALL = { sort: 'new', words: null, tag: null } as const
const feed = (db: Db, after: ListPosition | null, limit: number) => listVideos(db, ALL, after, limit, null)

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

test('newest first; equal to the microsecond, by id', async () => {
  const ids = [
    ...(await addReady(2, '2026-01-01 00:00:00.000002')),
    ...(await addReady(3, '2026-01-01 00:00:00.000001')),
    ...(await addReady(2, '2026-01-01 00:00:00')),
  ]
  expect((await feed(t.db, null, 100)).map(video => video.id)).toEqual(ids)
  // The order is the query's own, not one that the index happens to give.
  const unindexed = await t.db.transaction().execute(async trx => {
    await sql`set local enable_indexscan = off`.execute(trx)
    await sql`set local enable_bitmapscan = off`.execute(trx)
    return feed(trx, null, 100)
  })
  expect(unindexed.map(video => video.id)).toEqual(ids)
})

test.each([1, 2, 3, 7])(
  'pages of %d give every video once, also where times differ by a microsecond',
  async size => {
    const ids = [
      ...(await addReady(5, '2026-01-01 00:00:00.000999')),
      ...(await addReady(5, '2026-01-01 00:00:00.000998')),
      ...(await addReady(5, '2026-01-01 00:00:00.000001')),
    ]
    expect(await readPages(size)).toEqual(ids)
  },
)

test('videos that appear while someone pages neither repeat nor hide any', async () => {
  const ids = await addReady(9, '2026-01-01')
  let minute = 0
  const seen = await readPages(2, async () => {
    await addReady(3, `2026-01-02 00:${String(minute++).padStart(2, '0')}:00`)
  })
  expect(seen).toEqual(ids)
})

test('hidden, unlisted, deleted and unplayable videos are absent', async () => {
  const [visible, unlisted, hidden, deleted] = await addReady(4, '2026-01-01')
  await addUploading()
  await editVideo(t.db, unlisted ?? '', { visibility: 'unlisted' })
  await editVideo(t.db, hidden ?? '', { visibility: 'private' })
  await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, deleted ?? ''))
  expect((await feed(t.db, null, 10)).map(video => video.id)).toEqual([visible])
})

test('a page reads the index videos_feed and sorts nothing, first and later', async () => {
  await addReady(300, '2026-01-01')
  await sql`analyze videos`.execute(t.db)
  const position = {
    sort: 'new' as const,
    playableAtMicroseconds: Date.UTC(2026, 0, 1) * 1000,
    id: crypto.randomUUID(),
  }
  for (const after of [null, position]) {
    const plan = await explainFeed(after)
    expect(plan).toContain('using videos_feed on videos')
    expect(plan.split('SubPlan')[0]).not.toContain('Sort')
  }
})

/** The plan of the very statement that `feed` sends. */
async function explainFeed(after: ListPosition | null): Promise<string> {
  const statements: CompiledQuery[] = []
  const spied = t.db.withPlugin({
    transformQuery: ({ node, queryId }) => {
      statements.push(t.db.getExecutor().compileQuery(node, queryId))
      return node
    },
    transformResult: async ({ result }) => result,
  })
  await feed(spied, after, 10)
  const [statement] = statements
  if (!statement) throw new Error('no query was sent')
  const explain = CompiledQuery.raw(`explain ${statement.sql}`, [...statement.parameters])
  const { rows } = await t.db.executeQuery<{ 'QUERY PLAN': string }>(explain)
  return rows.map(row => row['QUERY PLAN']).join('\n')
}

async function readPages(size: number, between = async () => {}): Promise<string[]> {
  const seen: string[] = []
  let after: ListPosition | null = null
  for (;;) {
    const page = await feed(t.db, after, size)
    const last = page.at(-1)
    if (!last || last.playable_at_us === null) return seen
    seen.push(...page.map(video => video.id))
    after = { sort: 'new', playableAtMicroseconds: last.playable_at_us, id: last.id }
    await between()
  }
}

async function addUploading(): Promise<void> {
  await t.db
    .insertInto('videos')
    .values({ id: crypto.randomUUID(), title: 'A video', source_key: 'k', source_bytes: 1 })
    .execute()
}

/** @returns the ids in the feed's order */
async function addReady(count: number, playableAt: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    insert into videos (id, title, source_key, source_bytes)
    select gen_random_uuid(), 'A video', 'k', 1 from generate_series(1, ${count})
    returning id`.execute(t.db)
  const ids = rows
    .map(row => row.id)
    .sort()
    .reverse()
  const mine = sql`id = any(${ids}::uuid[])`
  await sql`insert into publications (id, video_id, seq) select id, id, 1 from videos where ${mine}`.execute(
    t.db,
  )
  for (const status of ['queued', 'processing']) {
    await sql`update videos set status = ${status} where ${mine}`.execute(t.db)
  }
  await sql`update videos set status = 'ready', publication_id = id, url_hls = 'k', ready_at = now(),
    playable_at = ${playableAt}::timestamp at time zone 'utc' where ${mine}`.execute(t.db)
  return ids
}
