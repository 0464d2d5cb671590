// What a list of videos is asked for, as addresses say it: words, a tag, an order, where it goes on.
import { z } from 'zod'
import { cleanLine } from '#app/clean-text.ts'
import { Refusal } from '#app/problem.ts'
import type { Listing, ListPosition, Sort } from '#db/listing.ts'
import type { VideoWithRenditions } from '#db/videos.ts'

const uuid = z.uuid()
const MAX_WORDS_LENGTH = 200
// As tags_of in the database: a word of at most so many characters.
const TAG = /^[^\s#]{1,50}$/u

type Given = Record<'q' | 'tag' | 'sort' | 'cursor', string | null>

export interface ListRequest extends Listing {
  after: ListPosition | null
}

/** @throws Refusal on whatever no list has */
export function parseListing({ q, tag, sort, cursor }: Given): ListRequest {
  const after = cursor === null ? null : parseCursor(cursor)
  const order = sort === null ? (after?.sort ?? 'new') : parseSort(sort)
  if (after && after.sort !== order) throw badCursor()
  return {
    sort: order,
    words: q === null ? null : parseWords(q),
    tag: tag === null ? null : parseTag(tag),
    after,
  }
}

/** For pages: what is malformed is not found there. */
export function unlessMalformed<T>(parse: () => T): T | null {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Refusal || error instanceof URIError) return null
    throw error
  }
}

function parseSort(sort: string): Sort {
  if (sort === 'new' || sort === 'popular') return sort
  throw new Refusal(400, 'bad_sort', 'sort must be new or popular.')
}

function parseWords(q: string): string {
  const words = cleanLine(q.slice(0, MAX_WORDS_LENGTH + 1))
  if (words && q.length <= MAX_WORDS_LENGTH) return words
  throw new Refusal(400, 'bad_query', `q must be a text of 1 to ${MAX_WORDS_LENGTH} characters.`)
}

function parseTag(given: string): string {
  const tag = given.length > 200 ? '' : cleanLine(given).replace(/^#/, '').normalize('NFC').toLowerCase()
  if (TAG.test(tag)) return tag
  throw new Refusal(400, 'bad_tag', 'tag must be one word of at most 50 characters, with or without #.')
}

// Opaque to clients: what the list is ordered by (of times, microseconds since 1970: Postgres's own
// precision) and the id. It says the order, too: who goes on need not say it again.
export function makeCursor({ playable_at_us, score, id }: VideoWithRenditions, sort: Sort): string {
  const text = sort === 'popular' ? `s${score}_${id}` : `${playable_at_us}.${id}`
  return Buffer.from(text).toString('base64url')
}

const CURSOR = /^(?:s(?<score>\d{1,6}(?:\.\d{1,20})?)_|(?<us>\d{1,17})\.)(?<id>[0-9a-f-]{36})$/

function parseCursor(cursor: string): ListPosition {
  const text = cursor.length > 200 ? '' : Buffer.from(cursor, 'base64url').toString()
  const { id = '', score, us } = CURSOR.exec(text)?.groups ?? {}
  if (!uuid.safeParse(id).success) throw badCursor()
  if (score !== undefined) return { sort: 'popular', score: Number(score), id }
  return { sort: 'new', playableAtMicroseconds: Number(us), id }
}

const badCursor = () =>
  new Refusal(400, 'bad_cursor', 'The cursor is not one of ours for this list: start again without it.')
