// What a video that plays should have and has not: renditions that could not be made.
import { type RawBuilder, sql } from 'kysely'
import type { Db } from './client.ts'
import type { RenditionRow } from './schema.ts'

/** Of a sound that no other try would make of the same source. */
export const SOUND_UNDECODABLE = 'sound_undecodable'

/** In a query over `renditions`: could not be made, and perhaps can be one day. */
export function isMissing(): RawBuilder<boolean> {
  return sql<boolean>`(state = 'failed' and renditions.error_code is distinct from ${SOUND_UNDECODABLE})`
}

export type MissingRendition = Pick<RenditionRow, 'id' | 'key' | 'kind' | 'height'>

/** Of a publication. One without a height is its sound or all of its ladder, which only a ladder makes. */
export async function missingRenditions(db: Db, publicationId: string | null): Promise<MissingRendition[]> {
  if (publicationId === null) return []
  return db
    .selectFrom('publication_renditions')
    .innerJoin('renditions', 'renditions.id', 'rendition_id')
    .select(['id', 'key', 'kind', 'height'])
    .where('publication_id', '=', publicationId)
    .where(isMissing())
    .where('kind', 'in', ['video', 'audio'])
    .orderBy('height')
    .execute()
}
