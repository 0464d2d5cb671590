// What a first rung's publication has by now: for the playlists that are rendered from rows.
import { sql } from 'kysely'
import type { Db } from './client.ts'
import type { RenditionRow } from './schema.ts'

type Stream = Pick<
  RenditionRow,
  'kind' | 'key' | 'fps' | 'codecs' | 'peak_bps' | 'average_bps' | 'complete' | 'target_seconds'
>
export type GrowingStream = Stream & {
  /** as displayed */
  width: number | null
  height: number | null
  segments: { uri: string; durationSeconds: number }[]
}

/**
 * Also of one that is whole or superseded, as long as its files are kept: whoever plays it goes on.
 * @returns null when there is none, its video was deleted, or it is a ladder's, which never grew
 */
export async function findPublication(
  db: Db,
  videoId: string,
  publicationId: string,
): Promise<GrowingStream[] | null> {
  const { rows } = await sql<GrowingStream>`
    select renditions.kind, key, renditions.width, renditions.height, fps, codecs, peak_bps, average_bps,
      complete, target_seconds, segments
    from publication_renditions
    join renditions on renditions.id = rendition_id
    join attempts using (token)
    join videos on videos.id = renditions.video_id
    where publication_renditions.publication_id = ${publicationId}
      and videos.id = ${videoId}
      and deleted_at is null
      and attempts.kind = 'first'
      and renditions.kind in ('video', 'audio')
      and state = 'ready'`.execute(db)
  return rows.length > 0 ? rows : null
}
