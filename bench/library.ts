// A library of many videos, written by SQL through the same statuses and triggers as real ones, so
// that nothing is in it that could not be.
import { sql } from 'kysely'
import type { Db } from '#db/client.ts'

const BATCH = 5000
/** What a landscape 1080p source becomes. */
const RENDITIONS = [
  ...[1080, 720, 480, 360, 240].map(height => ({ kind: 'video', height, name: `v${height}/index.m3u8` })),
  { kind: 'audio', height: null, name: 'audio/index.m3u8' },
  { kind: 'mp4', height: null, name: 'video.mp4' },
  { kind: 'poster', height: null, name: 'poster.jpg' },
  { kind: 'preview', height: null, name: 'preview.webp' },
  { kind: 'storyboard', height: null, name: 'storyboard.vtt' },
]

/** Ready videos, a minute apart, the last one new; one of 20 unlisted, one of 50 deleted. */
export async function fillLibrary(db: Db, count: number, signal: AbortSignal): Promise<void> {
  await sql`create table bench_library (n int primary key, id uuid, token uuid, publication uuid)`.execute(db)
  for (let from = 0; from < count; from += BATCH) {
    signal.throwIfAborted()
    await db.transaction().execute(async trx => {
      const to = Math.min(count, from + BATCH) - 1
      for (const statement of statements(from, to, count)) await statement.execute(trx)
    })
  }
  await sql`drop table bench_library`.execute(db)
  await sql`vacuum analyze`.execute(db)
  await sql`checkpoint`.execute(db) // or it is written to disk while others measure
}

function statements(from: number, to: number, count: number) {
  const batch = sql`from bench_library b where b.n between ${from} and ${to}`
  const renditions = sql.join(RENDITIONS.map(r => sql`(${r.kind}::text, ${r.height}::int, ${r.name}::text)`))
  return [
    sql`insert into bench_library
      select n, gen_random_uuid(), gen_random_uuid(), gen_random_uuid() from generate_series(${from}::int, ${to}::int) n`,
    sql`insert into videos (id, title, description, visibility, source_key, source_bytes, created_at, facts)
      select b.id, 'Holiday video number ' || b.n || ' of place' || b.n % 1000,
        repeat('Some words about it. ', b.n % 10) || '#t' || b.n % 50,
        case when b.n % 20 = 7 then 'unlisted' else 'public' end, 'sources/' || b.id, 40000000,
        now() - (${count}::int - b.n) * interval '1 minute', jsonb_build_object('format', 'mov,mp4', 'durationSeconds', 30)
      ${batch}`,
    sql`update videos set status = 'queued', stage = 'queued' where id in (select b.id ${batch})`,
    sql`update videos set status = 'processing', stage = 'encoding' where id in (select b.id ${batch})`,
    sql`insert into attempts (token, video_id, kind, recipe, worker_id, outcome, ended_at)
      select b.token, b.id, 'ladder', 'bench', gen_random_uuid(), 'won', now() ${batch}`,
    sql`insert into publications (id, video_id, seq, master_key)
      select b.publication, b.id, 1, 'videos/' || b.id || '/' || b.token || '/master.m3u8' ${batch}`,
    // Ten rows for each video: their foreign keys hold by construction, and checking each would take
    // most of the time.
    sql`set local session_replication_role = replica`,
    sql`with made as (
        insert into renditions (id, video_id, token, kind, width, height, fps, codecs, peak_bps, average_bps, key, bytes)
        select gen_random_uuid(), b.id, b.token, r.kind, r.height * 16 / 9, r.height,
          case when r.height is not null then 30 end, case when r.height is not null then 'avc1.64001f' end,
          r.height * 2500, r.height * 2000, 'videos/' || b.id || '/' || b.token || '/' || r.name, 5000000
        from bench_library b cross join (values ${renditions}) r (kind, height, name)
        where b.n between ${from} and ${to}
        returning id, video_id)
      insert into publication_renditions
      select b.publication, made.id from made join bench_library b on b.id = made.video_id`,
    sql`set local session_replication_role = origin`,
    sql`update videos v set status = 'ready', stage = 'ready', progress = 1, publication_id = b.publication,
        playable_at = v.created_at, ready_at = v.created_at, duration_ms = 30000, width = 1920, height = 1080,
        url_hls = 'videos/' || b.id || '/' || b.token || '/master.m3u8',
        url_mp4 = 'videos/' || b.id || '/' || b.token || '/video.mp4',
        thumbnail = 'videos/' || b.id || '/' || b.token || '/poster.jpg',
        url_preview = 'videos/' || b.id || '/' || b.token || '/preview.webp',
        url_storyboard = 'videos/' || b.id || '/' || b.token || '/storyboard.vtt'
      from bench_library b where b.id = v.id and b.n between ${from} and ${to}`,
    // In no order that time or id has.
    sql`update video_counts c set views = b.n::bigint * 7919 % 9973, likes = b.n::bigint * 104729 % 499
      from bench_library b where b.id = c.video_id and b.n between ${from} and ${to}`,
    sql`update videos set deleted_at = now() where id in (select b.id ${batch} and b.n % 50 = 3)`,
  ]
}
