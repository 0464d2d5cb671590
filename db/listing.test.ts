// Lists by words, tags and popularity: what is in them, in which order, page by page.
import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, growVideo, queueVideo, readyVideo } from '#test/videos.ts'
import { type Listing, type ListPosition, listVideos, type Sort, similarVideos } from './listing.ts'
import { deleteVideo, editVideo } from './videos.ts'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

/** A playable video with these words, and so many views. @returns its id */
async function add(title: string, description = '', views = 0): Promise<string> {
  const id = await readyVideo(t)
  await editVideo(t.db, id, { title, description })
  await sql`update video_counts set views = ${views} where video_id = ${id}`.execute(t.db)
  return id
}

const listing = (facts: Partial<Listing>): Listing => ({ sort: 'new', words: null, tag: null, ...facts })

async function titles(facts: Partial<Listing>): Promise<string[]> {
  return (await listVideos(t.db, listing(facts), null, 50, null)).map(video => video.title)
}

async function similar(words: string, tag: string | null = null): Promise<string[]> {
  return (await similarVideos(t.db, listing({ words, tag }), 10, null)).map(video => video.title)
}

describe('words', () => {
  test('of title, description and hashtags, all of them, in any order, without accents and capitals', async () => {
    await add('Crème brûlée', 'How it is burnt #Dessert')
    await add('A dog in the snow')
    expect(await titles({ words: 'BRULEE creme' })).toEqual(['Crème brûlée'])
    expect(await titles({ words: 'burnt #dessert' })).toEqual(['Crème brûlée'])
    expect(await titles({ words: 'crème snow' })).toEqual([])
  })

  test('the last of them need not be complete', async () => {
    await add('A dog in the snow')
    expect(await titles({ words: 'dog sno' })).toEqual(['A dog in the snow'])
    expect(await titles({ words: 'sno dog' })).toEqual([])
  })

  test.each([
    "it's",
    "' or 1=1 --",
    '%',
    '_',
    '\\',
    "\\' | & ! ( ) <-> :*",
    '!!!',
    '👍',
    ':* | a',
    "a'b\\c'd",
  ])('may be %s', async words => {
    await add("It's 100 % a_b \\ c")
    await expect(titles({ words })).resolves.toBeInstanceOf(Array)
    await expect(similar(words)).resolves.toBeInstanceOf(Array)
  })

  test('that are % or _ stand for themselves, which is for nothing', async () => {
    await add('Anything at all')
    for (const words of ['%', '_', '%thing%', 'any%']) expect(await titles({ words })).not.toContain('x')
    expect(await titles({ words: '%' })).toEqual([])
    expect(await similar('%%%')).toEqual([])
  })

  test.each([
    ['hoilday', 'Holiday by the sea'],
    ['holidya sae', ''],
    ['hollidays', 'Holiday by the sea'],
    ['labradr', 'Our labrador'],
    ['Müncen', 'München at night'],
    ['labardor', 'Our labrador'],
    ['xylophone', ''],
  ])('written wrong as %s find %s', async (words, title) => {
    await add('Holiday by the sea')
    await add('Our labrador', 'in the snow')
    await add('München at night')
    expect(await similar(words)).toEqual(title ? [title] : [])
  })
})

test('a tag is a whole one, not a word', async () => {
  await add('At the #sea')
  await add('#Seaside')
  await add('The sea')
  expect(await titles({ tag: 'sea' })).toEqual(['At the #sea'])
  expect(await titles({ tag: 'sea', words: 'seaside' })).toEqual([])
  expect(await similar('tehsea', 'sea')).toEqual([])
})

test('what is hidden, deleted or does not play is in no list', async () => {
  const [unlisted, hidden, deleted] = [await add('One #tag'), await add('One #tag'), await add('One #tag')]
  const waiting = await queueVideo(t)
  await editVideo(t.db, waiting, { title: 'One #tag' })
  await editVideo(t.db, unlisted, { visibility: 'unlisted' })
  await editVideo(t.db, hidden, { visibility: 'private' })
  await t.db.transaction().execute(trx => deleteVideo(trx, t.boss, deleted))
  const { id } = await growVideo(t, 2)
  await editVideo(t.db, id, { title: 'Growing #tag' })
  for (const facts of [{ tag: 'tag' }, { words: 'tag' }, {}])
    for (const sort of ['new', 'popular'] as const)
      expect(await titles({ ...facts, sort })).toEqual(['Growing #tag'])
  expect(await similar('oen taag')).toEqual([])
})

test('popular: more votes first; new: the latest first', async () => {
  await add('much', '', 5000)
  await add('some', '', 50)
  await add('none')
  expect(await titles({ sort: 'popular' })).toEqual(['much', 'some', 'none'])
  expect(await titles({ sort: 'new' })).toEqual(['none', 'some', 'much'])
})

test('an old video with as many votes comes after a new one', async () => {
  const old = await add('old', '', 100)
  await add('new', '', 30)
  await sql`update videos set playable_at = playable_at - interval '1 day' where id = ${old}`.execute(t.db)
  expect(await titles({ sort: 'popular' })).toEqual(['new', 'old'])
})

test.each(['new', 'popular'] as const)('pages by what is %s give every video once', async sort => {
  for (let index = 0; index < 7; index += 1) await add(`Video ${index} #all`, '', (index * 3) % 7)
  // Equal but for their ids.
  await sql`update video_counts set views = 7 where views > 3`.execute(t.db)
  await sql`update videos set playable_at = '2026-01-01'`.execute(t.db)
  const whole = (await listVideos(t.db, listing({ sort }), null, 50, null)).map(video => video.id)
  expect(new Set(whole).size).toBe(7)
  for (const facts of [{ sort }, { sort, tag: 'all' }, { sort, words: 'video' }])
    for (const size of [1, 3]) expect(await readPages(listing(facts), sort, size)).toEqual(whole)
})

async function readPages(list: Listing, sort: Sort, size: number): Promise<string[]> {
  const seen: string[] = []
  let after: ListPosition | null = null
  for (;;) {
    const page = await listVideos(t.db, list, after, size, null)
    const last = page.at(-1)
    if (!last) return seen
    seen.push(...page.map(video => video.id))
    const { id } = last
    after =
      sort === 'popular'
        ? { sort, score: last.score ?? 0, id }
        : { sort, playableAtMicroseconds: last.playable_at_us ?? 0, id }
  }
}
