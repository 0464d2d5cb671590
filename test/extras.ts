// What a worker adds to a video that plays, by the test's own hand: a storyboard, captions.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { captionsVtt, storyboardVtt } from '#media/webvtt.ts'

interface Stores {
  query: <Row extends Record<string, unknown>>(sql: string, values?: unknown[]) => Promise<Row[]>
  /** its folder */
  storage: string
}

const TILE = { width: 160, height: 90, seconds: 2 }

/** A picture for each two seconds, with their number in it. */
export async function addStoryboard(stores: Stores, videoId: string, seconds: number): Promise<void> {
  const { folder, prefix, insert } = await publicationOf(stores, videoId)
  const count = Math.ceil(seconds / TILE.seconds)
  const size = `${TILE.width}x${TILE.height}`
  await promisify(execFile)('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc=s=${size}:r=1:d=${count}`],
    ...['-vf', `tile=${count}x1`, '-frames:v', '1', path.join(folder, 'storyboard.jpg')],
  ])
  const tiles = Array.from({ length: count }, (_, index) => ({
    ...{ startSeconds: index * TILE.seconds, endSeconds: (index + 1) * TILE.seconds },
    ...{ x: index * TILE.width, y: 0, width: TILE.width, height: TILE.height },
  }))
  await writeFile(path.join(folder, 'storyboard.vtt'), storyboardVtt('storyboard.jpg', tiles))
  await insert('storyboard', 'storyboard.vtt')
  await stores.query('update videos set url_storyboard = $2 where id = $1', [
    ...[videoId, `${prefix}/storyboard.vtt`],
  ])
}

/** They stand all the time. */
export async function addCaptions(
  stores: Stores,
  videoId: string,
  { language, label, text }: { language: string; label: string; text: string },
): Promise<void> {
  const { folder, insert } = await publicationOf(stores, videoId)
  const cue = { startSeconds: 0, endSeconds: 3600, lines: text.split('\n') }
  await writeFile(path.join(folder, `${language}.vtt`), captionsVtt([cue]) ?? '')
  await insert('captions', `${language}.vtt`, language, label)
}

async function publicationOf({ query, storage }: Stores, videoId: string) {
  const [found] = await query<{ publication_id: string; token: string; prefix: string }>(
    `select v.publication_id, r.token, regexp_replace(v.url_hls, '/[^/]+$', '') as prefix
     from videos v
     join publication_renditions pr on pr.publication_id = v.publication_id
     join renditions r on r.id = pr.rendition_id
     where v.id = $1 limit 1`,
    [videoId],
  )
  if (!found) throw new Error(`video ${videoId} plays nothing`)
  const { publication_id: publicationId, token, prefix } = found
  const insert = (kind: string, name: string, language: string | null = null, label: string | null = null) =>
    query(
      `with made as (
         insert into renditions (id, video_id, token, kind, key, bytes, segments, language, label)
         values (gen_random_uuid(), $1, $2, $3, $4, 1, '[]', $5, $6) returning id)
       insert into publication_renditions (publication_id, rendition_id) select $7, id from made`,
      [videoId, token, kind, `${prefix}/${name}`, language, label, publicationId],
    )
  return { folder: path.join(storage, prefix), prefix, insert }
}
