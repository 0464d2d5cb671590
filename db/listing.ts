// Lists of videos: all of them, those with a tag, those with words; newest or most popular first. Page by
// page from where the last one ended, so that depth costs nothing.
import { sql } from 'kysely'
import type { Db } from './client.ts'
import { findVideos, selectVideos, type VideoWithRenditions } from './videos.ts'

export type Sort = 'new' | 'popular'

export interface Listing {
  sort: Sort
  /** as a person typed them; null for whatever they are */
  words: string | null
  /** lower case, without # */
  tag: string | null
}

/** The last video of a page, by what its list is ordered by. */
export type ListPosition =
  | { sort: 'new'; playableAtMicroseconds: number; id: string }
  | { sort: 'popular'; score: number; id: string }

/** Playable public videos. Indexes: videos_feed or video_counts_popular; videos_search, videos_tags. */
export async function listVideos(
  db: Db,
  { sort, words, tag }: Listing,
  after: ListPosition | null,
  limit: number,
  viewer: string | null,
): Promise<VideoWithRenditions[]> {
  let query = selectVideos(db, viewer).where('playable_at', 'is not', null).where('visibility', '=', 'public')
  if (tag !== null) query = query.where(sql<boolean>`tags @> array[${tag}]`)
  if (words !== null) {
    const parsed = await parseWords(db, words)
    if (parsed === null) return []
    query = query.where(sql<boolean>`search @@ ${parsed}::tsquery`)
  }
  if (sort === 'popular') {
    query = query
      .where('listed_at', 'is not', null)
      .orderBy('score', 'desc')
      .orderBy('video_counts.video_id', 'desc')
  } else {
    query = query.orderBy('playable_at', 'desc').orderBy('videos.id', 'desc')
  }
  if (after) query = query.where(isAfter(after))
  return query.limit(limit).execute()
}

function isAfter(position: ListPosition) {
  if (position.sort === 'popular')
    return sql<boolean>`(score, video_counts.video_id) < (${position.score}::float8, ${position.id}::uuid)`
  return sql<boolean>`(playable_at, videos.id) < (
    timestamptz 'epoch' + ${position.playableAtMicroseconds}::bigint * interval '1 microsecond', ${position.id}::uuid)`
}

/**
 * All words, in any order; the last one may go on, as who types may not have done. Asked for by itself: with
 * a value that it knows, Postgres sees beforehand how many videos have them.
 * @returns null when there is no word in it
 */
async function parseWords(db: Db, words: string): Promise<string | null> {
  const { rows } = await sql<{ query: string | null }>`
    select string_agg(
      quoted || case when place = max_place and char_length(lexeme) >= 3 then ':*' else '' end, ' & '
    ) as query
    from (
      select lexeme, positions[1] as place, max(positions[1]) over () as max_place,
        '''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''' as quoted
      from unnest(to_tsvector('simple'::regconfig, folded(${words})))
    ) as found`.execute(db)
  return rows[0]?.query ?? null
}

const CANDIDATES = 200

/**
 * Videos with words that are written much like these, the likest first: for when none has them as they are.
 * Among so many candidates; who wants more has to type better.
 */
export async function similarVideos(
  db: Db,
  { words, tag }: Listing,
  limit: number,
  viewer: string | null,
): Promise<VideoWithRenditions[]> {
  const typed = [...new Set((words ?? '').split(/\s+/).filter(word => word.length > 2))].slice(0, 8)
  if (typed.length === 0) return []
  const text = sql`folded(title || ' ' || left(description, 300))`
  const ids = await db.transaction().execute(async trx => {
    // Two letters that changed places in a word of seven leave it a third of the trigrams of both.
    await sql`set local pg_trgm.word_similarity_threshold = 0.3`.execute(trx)
    const { rows } = await sql<{ id: string }>`
      select id
      from (
        select id, playable_at, ${text} as text
        from videos
        where ${sql.join(
          typed.map(word => sql`${text} %> folded(${word})`),
          sql` and `,
        )}
          and (${tag}::text is null or tags @> array[${tag}])
          and playable_at is not null
          and visibility = 'public'
          and deleted_at is null
        limit ${CANDIDATES}
      ) as candidates
      order by word_similarity(folded(${typed.join(' ')}), text) desc, playable_at desc, id desc
      limit ${limit}`.execute(trx)
    return rows.map(row => row.id)
  })
  const found = new Map((await findVideos(db, ids, viewer)).map(video => [video.id, video]))
  return ids.flatMap(id => found.get(id) ?? [])
}
