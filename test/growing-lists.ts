// What the web process would answer to those who play a first rung, without a web process.
import { readFile } from 'node:fs/promises'
import { renderPlaylist } from '#app/media/growing-playlist.ts'
import type { Db } from '#db/client.ts'
import { findPublication } from '#db/growth.ts'
import type { Storage } from '#media/storage.ts'
import type { Fetch } from './hls-presentation.ts'

/** Its playlists from its rows, and the segments that they name. */
export async function fetchGrowing(
  db: Db,
  storage: Storage,
  videoId: string,
  publicationId: string,
): Promise<Fetch> {
  const streams = await findPublication(db, videoId, publicationId)
  return async uri => {
    const list = renderPlaylist(streams ?? [], uri, '')
    return list === null ? readFile(storage.localPath(uri.replace(/^\/media\//, ''))) : Buffer.from(list)
  }
}
