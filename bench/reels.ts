// Ready portrait videos for a feed to be measured with: a few clips go through the real worker once,
// and each becomes several videos with ids, addresses and files of their own. Kept in the system's
// folder for temporary files until the worker, its formats or the schema change.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, glob, mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { root } from '#cli/project.ts'
import type { Db } from '#db/client.ts'
import { makeFile } from './clip.ts'
import type { BenchContext } from './context.ts'
import { markerFilter } from './marker.ts'
import { addVideo, type Stack, startDatabase, startWorker, waitForStatus } from './stack.ts'

/** Of so many kinds that no two neighbours in the feed, or their neighbours, look alike. */
export const KINDS = 6
const REEL_SECONDS = 10
const LADDER = '720,480,360,240'
const TABLES = ['videos', 'attempts', 'publications', 'renditions', 'publication_renditions'] as const
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

export interface Reel {
  title: string
  /** what its picture says */
  kind: number
  segments: Segment[]
}

interface Segment {
  /** of its URL */
  path: string
  /** of its picture; null for sound */
  height: number | null
  fromSeconds: number
  toSeconds: number
}

type Row = Record<string, unknown>
type Rows = Record<(typeof TABLES)[number], Row[]>

/** Puts `count` of them into the stack: "Reel 01" is the newest, at the feed's head. */
export async function addReels(context: BenchContext, stack: Stack, count: number): Promise<Reel[]> {
  const folder = await madeReels(context)
  const originals: Rows[] = JSON.parse(await readFile(path.join(folder, 'rows.json'), 'utf8'))
  const reels: Reel[] = []
  for (let index = 0; index < count; index += 1) {
    context.signal.throwIfAborted()
    const kind = index % KINDS
    const original = originals[kind]
    if (!original) throw new Error(`${folder} has no clip ${kind}`)
    const title = `Reel ${String(index + 1).padStart(2, '0')}`
    reels.push(await addCopy(stack, path.join(folder, 'storage'), original, { title, kind, age: index }))
  }
  return reels
}

/** @returns the folder with rows and files */
async function madeReels(context: BenchContext): Promise<string> {
  const clips: string[] = []
  for (let kind = 0; kind < KINDS; kind += 1) clips.push(await makeReel(context, kind))
  const folder = path.join(tmpdir(), 'pgreel-bench-clips', `reels-${await recipe(clips)}`)
  if (existsSync(folder)) return folder
  context.say(`The real worker makes ${KINDS} ladders, once`)
  await using closing = new AsyncDisposableStack()
  const own = { ...context, closing }
  const stack = await startDatabase(own)
  await startWorker(own, stack, { LADDER })
  const ids: string[] = []
  for (const clip of clips) ids.push(await addVideo(stack, clip))
  await waitForStatus(own, stack, ids, "status = 'ready' and url_storyboard is not null")
  const draft = await mkdtemp(path.join(path.dirname(folder), 'reels-'))
  await cp(path.join(stack.dataDir, 'storage/videos'), path.join(draft, 'storage/videos'), {
    recursive: true,
  })
  const rows = await Promise.all(ids.map(id => rowsOf(stack.db, id)))
  await writeFile(path.join(draft, 'rows.json'), JSON.stringify(rows))
  await rename(draft, folder)
  return folder
}

/** Of whatever may change what is made. */
async function recipe(clips: string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([LADDER, ...clips]))
  const sources: string[] = []
  for await (const file of glob(['worker/**/*.ts', 'media/*.ts', 'db/schema.sql'], { cwd: root })) {
    if (!file.endsWith('.test.ts')) sources.push(file)
  }
  for (const file of sources.sort()) hash.update(await readFile(path.join(root, file)))
  return hash.digest('hex').slice(0, 12)
}

/** A walk over fine detail in a shaking hand, with a camera's grain: about 2 Mbit/s at 720 × 1280. */
function makeReel(context: BenchContext, kind: number): Promise<string> {
  context.say(`Clip ${kind + 1} of ${KINDS}`)
  const [x, y] = [-0.7453 + kind * 0.0021, 0.1127 - kind * 0.0013]
  const filters = [
    `mandelbrot=s=1440x2560:r=30:start_x=${x}:start_y=${y}:start_scale=0.01:maxiter=300`,
    `trim=end_frame=1,hue=h=${kind * 60},gblur=1.2,loop=-1:1,setpts=N/30/TB`,
    `crop=720:1280:'360+300*sin(t*0.6+${kind})+2*sin(t*19)':'640+500*sin(t*0.4)+2*sin(t*23)'`,
    `fps=30,noise=alls=2:allf=t:all_seed=${kind},setsar=1,format=yuv420p`,
    markerFilter(kind),
  ]
  const sound = `sine=f=${220 + kind * 55}:r=48000,tremolo=f=3,volume=0.5`
  return makeFile(context, `reel-${kind}`, [
    ...['-f', 'lavfi', '-i', filters.join(',')],
    ...['-f', 'lavfi', '-i', sound, '-t', String(REEL_SECONDS)],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-g', '60', '-c:a', 'aac', '-b:a', '128k'],
  ])
}

async function rowsOf(db: Db, videoId: string): Promise<Rows> {
  const read = async (table: string, condition: string) => {
    const { rows } = await sql<{ row: Row }>`
      select to_jsonb(t) as row
      from ${sql.table(table)} t
      where ${sql.raw(condition)} = ${videoId}`.execute(db)
    return rows.map(({ row }) => row)
  }
  const ofPublication = '(select video_id from publications where id = t.publication_id)'
  return {
    videos: await read('videos', 't.id'),
    attempts: await read('attempts', 't.video_id'),
    publications: await read('publications', 't.video_id'),
    renditions: await read('renditions', 't.video_id'),
    publication_renditions: await read('publication_renditions', ofPublication),
  }
}

/** The same with other ids everywhere, in rows as in addresses. */
async function addCopy(
  { db, dataDir }: Stack,
  storage: string,
  original: Rows,
  { title, kind, age }: { title: string; kind: number; age: number },
): Promise<Reel> {
  const ids = new Map<string, string>()
  const other = (id: string) => {
    const known = ids.get(id) ?? crypto.randomUUID()
    ids.set(id, known)
    return known
  }
  const rows: Rows = JSON.parse(JSON.stringify(original).replace(UUID, other))
  const playableAt = new Date(Date.now() - age * 60_000).toISOString()
  const [originalId, id] = [original, rows].map(of => String(of.videos[0]?.id))
  const videos = rows.videos.map(row => ({ ...row, title, playable_at: playableAt }))
  for (const token of rows.attempts.map(row => String(row.token))) {
    const [originalToken] = [...ids].find(([, to]) => to === token) ?? []
    const source = path.join(storage, 'videos', `${originalId}/${originalToken}`)
    const target = path.join(dataDir, 'storage/videos', `${id}/${token}`)
    await mkdir(path.dirname(target), { recursive: true })
    await cp(source, target, { recursive: true }).catch(ignoreMissing) // an attempt that published nothing
  }
  await insert(db, { ...rows, videos })
  // As the trigger would have it, which did not run.
  await sql`insert into video_counts (video_id, listed_at) values (${id}, ${playableAt})`.execute(db)
  return { title, kind, segments: rows.renditions.flatMap(segmentsOf) }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

/** The rows held once already: their triggers would only refuse that they come in one piece. */
async function insert(db: Db, rows: Rows): Promise<void> {
  await db.transaction().execute(async trx => {
    await sql`set local session_replication_role = replica`.execute(trx)
    for (const table of TABLES) {
      const { rows: columns } = await sql<{ name: string }>`
        select column_name as name
        from information_schema.columns
        where table_schema = 'public' and table_name = ${table} and is_generated = 'NEVER'`.execute(trx)
      const names = sql.join(columns.map(({ name }) => sql.ref(name)))
      await sql`
        insert into ${sql.table(table)} (${names})
        select ${names}
        from jsonb_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows[table])}::jsonb)`.execute(
        trx,
      )
    }
  })
}

function segmentsOf(rendition: Row): Segment[] {
  if (rendition.kind !== 'video' && rendition.kind !== 'audio') return []
  const folder = path.posix.dirname(`/media/${rendition.key}`)
  const height = rendition.kind === 'video' ? Number(rendition.height) : null
  let fromSeconds = 0
  return (rendition.segments as { uri: string; durationSeconds: number }[]).map(segment => {
    const toSeconds = fromSeconds + segment.durationSeconds
    const made = { path: `${folder}/${segment.uri}`, height, fromSeconds, toSeconds }
    fromSeconds = toSeconds
    return made
  })
}
