// Rows against files, both ways: one page or one video at a time, however large the library is.
import path from 'node:path'
import type { Db } from '#db/client.ts'
import { keptSources, owners, type PublishedFiles, publishedFiles } from '#db/invariants.ts'
import { findOrphans } from '#media/orphans.ts'
import { playlistUris } from '#media/playlist.ts'
import { openStorage, type Storage, type StoredFile } from '#media/storage.ts'
import type { Breach, Context } from './examine.ts'

const pageSize = 200
// A file that was just written may be ahead of its row.
const youngMilliseconds = 5 * 60_000

export async function lostSources({ db, config }: Context): Promise<Breach[]> {
  const storage = await openStorage(config.storageDir)
  const breaches: Breach[] = []
  for await (const { id, key, bytes, isUnderWay, isAwaited } of pages(db, keptSources)) {
    const found = (await storage.stat(key))?.sizeBytes ?? null
    if (found === bytes || (isUnderWay && found !== null && found > bytes)) continue
    const how = found === null ? 'is missing' : `has ${found} bytes, not ${bytes}`
    const advice =
      isUnderWay || isAwaited ? 'delete the video' : 'restore it from a backup, or it cannot be made again'
    breaches.push({ subject: id, message: `${key}, which video ${id} is made from, ${how}: ${advice}.` })
  }
  return breaches
}

export async function brokenPublications({ db, config }: Context): Promise<Breach[]> {
  const storage = await openStorage(config.storageDir)
  const breaches: Breach[] = []
  for await (const video of pages(db, publishedFiles)) {
    const fault = await firstFault(storage, video)
    if (!fault) continue
    const message = `${fault}, which video ${video.id} plays from: restore it from a backup, or delete the video.`
    breaches.push({ subject: video.id, message })
  }
  return breaches
}

/** @returns such as `videos/…/v720/00003.m4s is missing` */
async function firstFault(storage: Storage, { keys, renditions }: PublishedFiles): Promise<string | null> {
  const sizes = new Map<string, number>()
  const folders = [...keys, ...renditions.map(({ key }) => key)].map(key =>
    key.split('/').slice(0, 3).join('/'),
  )
  for (const folder of new Set(folders))
    for await (const file of storage.list(folder)) sizes.set(file.key, file.sizeBytes)

  const rows = new Set(renditions.map(({ key }) => key))
  for (const key of keys) {
    if (!sizes.has(key)) return `${key} is missing`
    if (!key.endsWith('/master.m3u8')) continue
    const unknown = (await partsOf(storage, key)).find(part => !rows.has(part))
    if (unknown) return `${unknown} has no row in renditions`
  }
  for (const { key, bytes, segments } of renditions) {
    if (!sizes.has(key)) return `${key} is missing`
    const parts = await partsOf(storage, key)
    for (const part of parts) if (!sizes.has(part)) return `${part} is missing`
    for (const { uri, bytes: expected } of segments) {
      const part = sibling(key, uri)
      const found = sizes.get(part)
      if (found === undefined) return `${part} is missing`
      if (found !== expected) return `${part} has ${found} bytes, not ${expected}`
    }
    const found = parts.reduce((sum, part) => sum + (sizes.get(part) ?? 0), 0)
    if (found !== bytes) return `${key} stands for ${found} bytes, not ${bytes}`
  }
  return null
}

/** The files that a rendition's bytes are counted over: what a playlist or a list of images names, or itself. */
async function partsOf(storage: Storage, key: string): Promise<string[]> {
  if (key.endsWith('.m3u8')) return playlistUris(await readText(storage, key)).map(uri => sibling(key, uri))
  if (!key.endsWith('/storyboard.vtt')) return [key]
  const images = (await readText(storage, key)).matchAll(/^(\S+)#xywh=/gm)
  return [key, ...new Set(Array.from(images, ([, uri = '']) => sibling(key, uri)))]
}

function sibling(key: string, uri: string): string {
  return path.posix.join(path.posix.dirname(key), uri)
}

async function readText(storage: Storage, key: string): Promise<string> {
  const file = await storage.open(key)
  return file ? await new Response(file.stream).text() : ''
}

/** What nothing in the database knows; one line for a whole attempt. */
export async function orphans({ db, config, now }: Context): Promise<Breach[]> {
  const storage = await openStorage(config.storageDir)
  const breaches: Breach[] = []
  const isOld = ({ modifiedAt }: StoredFile) => now() - modifiedAt.getTime() >= youngMilliseconds
  for await (const subject of findOrphans(storage, owners(db), isOld)) {
    const message = `nothing in the database owns ${subject}: delete it from ${config.storageDir}.`
    breaches.push({ subject, message })
  }
  return breaches
}

async function* pages<Row extends { id: string }>(
  db: Db,
  read: (db: Db, afterId: string | null, limit: number) => Promise<Row[]>,
): AsyncGenerator<Row> {
  let after: string | null = null
  for (;;) {
    const rows: Row[] = await read(db, after, pageSize)
    yield* rows
    after = rows.at(-1)?.id ?? null
    if (rows.length < pageSize) return
  }
}
