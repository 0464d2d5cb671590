// Hashtags: which words of a text are some, and that a video's are always those of its words.
import { sql } from 'kysely'
import { beforeEach, expect, test } from 'vitest'
import { createTestDatabase } from '#test/database.ts'
import { emptyDatabase, expectRefused, readVideo, startUpload } from '#test/videos.ts'
import { editVideo } from './videos.ts'

// SQLSTATE generated_always
const GENERATED_ALWAYS = '428C9'

const t = await createTestDatabase()
beforeEach(() => emptyDatabase(t))

async function tagsOf(text: string): Promise<string[]> {
  const { rows } = await sql<{ tags: string[] }>`select tags_of(${text}) as tags`.execute(t.db)
  return rows[0]?.tags ?? []
}

test.each([
  ['#Sea and #sun, again #SEA', ['sea', 'sun']],
  ['(#one) "#two"…#three!', ['one', 'two', 'three']],
  ['#été #東京 #дом #e\u0301', ['été', '東京', 'дом', 'é']],
  ['we are #1, but #1st and #a_b', ['1st', 'a_b']],
  ['https://a.example/#part c#sharp &#39; ##twice # none #', []],
  ['', []],
  [`#${'x'.repeat(50)} #${'y'.repeat(51)}`, ['x'.repeat(50)]],
])('of %s', async (text, tags) => {
  expect(await tagsOf(text)).toEqual(tags)
})

test('at most thirty', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `t${index}`)
  expect(await tagsOf(names.map(name => `#${name}`).join(' '))).toEqual(names.slice(0, 30))
})

test('follow title and description, and cannot be told otherwise', async () => {
  const id = await startUpload(t.db, 10, 'At the #Sea')
  expect((await readVideo(t.db, id)).tags).toEqual(['sea'])
  await editVideo(t.db, id, { description: 'With a #dog' })
  expect((await readVideo(t.db, id)).tags).toEqual(['sea', 'dog'])
  await expect(sql`update videos set tags = '{cat}'`.execute(t.db)).rejects.toMatchObject({
    code: GENERATED_ALWAYS,
  })
})

test('a placeholder is a small picture, and of a poster', async () => {
  const id = await startUpload(t.db)
  const set = (placeholder: string) =>
    sql`update videos set thumbnail = 'k', placeholder = ${placeholder} where id = ${id}`.execute(t.db)
  await set('data:image/jpeg;base64,AAAA')
  await expectRefused(set('https://elsewhere.example/'), 'videos_placeholder_check')
  await expectRefused(set(`data:image/${'x'.repeat(1000)}`), 'videos_placeholder_check')
  const takePoster = sql`update videos set thumbnail = null where id = ${id}`.execute(t.db)
  await expectRefused(takePoster, 'videos_placeholder_is_of_a_poster')
})
