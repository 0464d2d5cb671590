// What a video that plays should have and has not: renditions that could not be made.
import type { Db } from './client.ts'
import type { RenditionRow } from './schema.ts'

export type MissingRendition = Pick<RenditionRow, 'id' | 'key' | 'kind' | 'height'>

/** Of a publication. One without a height is its sound or all of its ladder, which only a ladder makes. */
export async function missingRenditions(db: Db, publicationId: string | null): Promise<MissingRendition[]> {
  if (publicationId === null) return []
  return db
    .selectFrom('publication_renditions')
    .innerJoin('renditions', 'renditions.id', 'rendition_id')
    .select(['id', 'key', 'kind', 'height'])
    .where('publication_id', '=', publicationId)
    .where('state', '=', 'failed')
    .where('kind', 'in', ['video', 'audio'])
    .orderBy('height')
    .execute()
}
