// First rungs that grow by the test's own hand: rows that say so, and files under the keys they name.
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { attemptKey, attemptPrefix, sourceKey } from '#media/keys.ts'
import { bitrates, masterPlaylist, mediaPlaylist } from '#media/playlist.ts'

type Query = (sql: string, values?: unknown[]) => Promise<unknown>

interface Stores {
  query: Query
  /** its folder */
  storage: string
}

const SEGMENT_SECONDS = 2
const FPS = 30
const NAMES = { video: 'v240', audio: 'audio' } as const
type Kind = keyof typeof NAMES

interface Segment {
  uri: string
  durationSeconds: number
  bytes: number
}

/** A clip, cut: `<folder>/<name>/init.mp4` and its segments. */
export interface CutClip {
  folder: string
  seconds: number
  streams: Record<Kind, Segment[]>
}

/** The number of each second is to be seen in its frames, and each sounds on another note. */
export async function cutClip(clips: string, seconds: number): Promise<CutClip> {
  const folder = await mkdtemp(path.join(clips, 'cut-'))
  for (const name of Object.values(NAMES)) await mkdir(path.join(folder, name))
  const output = (name: string) => [
    ...['-avoid_negative_ts', 'disabled', '-f', 'hls', '-hls_time', String(SEGMENT_SECONDS)],
    ...['-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', 'init.mp4'],
    ...['-hls_segment_filename', path.join(folder, name, '%05d.m4s'), path.join(folder, name, 'ffmpeg.m3u8')],
  ]
  const gop = String(SEGMENT_SECONDS * FPS)
  await promisify(execFile)('ffmpeg', [
    ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc=s=426x240:r=${FPS}:d=${seconds}`],
    ...['-f', 'lavfi', '-i', `aevalsrc=sin(2*PI*t*(300+40*floor(t)))/4:s=48000:d=${seconds}`],
    ...['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', gop],
    ...['-keyint_min', gop, '-sc_threshold', '0', ...output(NAMES.video)],
    ...['-map', '1:a', '-c:a', 'aac', ...output(NAMES.audio)],
  ])
  const [video, audio] = await Promise.all(
    Object.values(NAMES).map(name => segmentsIn(path.join(folder, name))),
  )
  return { folder, seconds, streams: { video: video ?? [], audio: audio ?? [] } }
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const text = await readFile(path.join(folder, 'ffmpeg.m3u8'), 'utf8')
  const found = [...text.matchAll(/#EXTINF:([\d.]+),\n(.+)/g)]
  return Promise.all(
    found.map(async ([, seconds, uri = '']) => ({
      ...{ uri, durationSeconds: Number(seconds) },
      bytes: (await readFile(path.join(folder, uri))).length,
    })),
  )
}

/** A video that waits for its first rung, without a job. @returns its id */
export async function waitingVideo(query: Query, title: string, { seconds }: CutClip): Promise<string> {
  const id = crypto.randomUUID()
  await query('insert into videos (id, title, source_key, source_bytes) values ($1, $2, $3, 1)', [
    ...[id, title, sourceKey(id)],
  ])
  await query(`update videos set status = 'queued', stage = 'queued' where id = $1`, [id])
  await query(
    `update videos set status = 'processing', stage = 'probing', duration_ms = $2, width = 426, height = 240
     where id = $1`,
    [id, seconds * 1000],
  )
  return id
}

export interface Growing {
  publicationId: string
  /** lists up to so many segments */
  grow: (count: number) => Promise<void>
  /** everything is there, and has an address in the storage */
  complete: () => Promise<void>
}

/** What the worker does: publishes the first `count` segments, in the place of what was there before. */
export async function publishGrowing(
  { query, storage }: Stores,
  videoId: string,
  clip: CutClip,
  count: number,
): Promise<Growing> {
  const [publicationId, token] = [crypto.randomUUID(), crypto.randomUUID()]
  const key = (name: string) => attemptKey(videoId, token, name)
  const folder = path.join(storage, attemptPrefix(videoId, token))
  const listed = (kind: Kind, end: number) => JSON.stringify(clip.streams[kind].slice(0, end))
  const put = async (end: number) => {
    for (const [kind, name] of Object.entries(NAMES)) {
      await mkdir(path.join(folder, name), { recursive: true })
      const uris = clip.streams[kind as Kind].slice(0, end).map(({ uri }) => uri)
      for (const file of ['init.mp4', ...uris]) {
        await copyFile(path.join(clip.folder, name, file), path.join(folder, name, file))
      }
    }
  }
  await put(count)
  await query(
    `update attempts set outcome = 'crashed', ended_at = now() where video_id = $1 and outcome = 'running'`,
    [videoId],
  )
  await query(
    `insert into attempts (token, video_id, kind, recipe, worker_id) values ($1, $2, 'first', 'test', $1)`,
    [token, videoId],
  )
  await query(`update publications set superseded_at = now() where video_id = $1 and superseded_at is null`, [
    videoId,
  ])
  await query(
    `insert into publications (id, video_id, seq)
     select $1, $2, count(*) + 1 from publications where video_id = $2`,
    [publicationId, videoId],
  )
  const streams: [Kind, string, number | null, number | null, number | null][] = [
    ['video', 'avc1.42c015', 426, 240, FPS],
    ['audio', 'mp4a.40.2', null, null, null],
  ]
  for (const [kind, codecs, width, height, fps] of streams) {
    const { peakBps, averageBps } = bitrates(clip.streams[kind])
    await query(
      `with made as (
         insert into renditions (id, video_id, token, kind, codecs, width, height, fps, peak_bps, average_bps,
           key, bytes, segments, complete, target_seconds)
         values (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, false, ${SEGMENT_SECONDS})
         returning id)
       insert into publication_renditions (publication_id, rendition_id) select $12, id from made`,
      [
        ...[videoId, token, kind, codecs, width, height, fps, peakBps, averageBps],
        ...[key(`${NAMES[kind]}/index.m3u8`), listed(kind, count), publicationId],
      ],
    )
  }
  await query(
    `update videos set publication_id = $2, playable_at = coalesce(playable_at, now()), stage = 'playable'
     where id = $1`,
    [videoId, publicationId],
  )
  const grow = async (end: number) => {
    await put(end)
    for (const kind of ['video', 'audio'] as const) {
      await query('update renditions set segments = $3 where token = $1 and kind = $2', [
        ...[token, kind, listed(kind, end)],
      ])
    }
  }
  const complete = async () => {
    await put(Infinity)
    await writePlaylists(folder, clip)
    // As a worker does: the end comes together with the last segment.
    await query(
      `update renditions set complete = true, segments = case kind when 'video' then $2::jsonb else $3::jsonb end
       where token = $1`,
      [token, listed('video', Infinity), listed('audio', Infinity)],
    )
    await query(`update attempts set outcome = 'won', ended_at = now() where token = $1`, [token])
    await query('update publications set master_key = $2 where id = $1', [publicationId, key('master.m3u8')])
    await query('update videos set url_hls = $2 where id = $1', [videoId, key('master.m3u8')])
  }
  return { publicationId, grow, complete }
}

/** The video is ready: what plays by now is as good as a ladder, under a token of its own. */
export async function publishLadder(stores: Stores, videoId: string, clip: CutClip): Promise<void> {
  await stores.query('begin') // so that nobody hears of what grew for a moment
  await becomeReady(stores, videoId, clip)
  await stores.query('commit')
}

/** A video that plays, without any work on it. @returns its id */
export async function readyVideo(stores: Stores, title: string, clip: CutClip): Promise<string> {
  await stores.query('begin')
  const id = await waitingVideo(stores.query, title, clip)
  await becomeReady(stores, id, clip)
  await stores.query('commit')
  return id
}

async function becomeReady({ query, storage }: Stores, videoId: string, clip: CutClip): Promise<void> {
  const ladder = await publishGrowing({ query, storage }, videoId, clip, Infinity)
  await ladder.complete()
  await query(
    `update attempts set kind = 'ladder' where token = (
       select token from renditions join publication_renditions on rendition_id = id where publication_id = $1 limit 1)`,
    [ladder.publicationId],
  )
  await query(
    `update videos set status = 'ready', stage = 'ready', progress = 1, ready_at = now() where id = $1`,
    [videoId],
  )
}

async function writePlaylists(folder: string, { streams }: CutClip): Promise<void> {
  for (const [kind, name] of Object.entries(NAMES)) {
    const text = mediaPlaylist({ init: 'init.mp4', segments: streams[kind as Kind] })
    await writeFile(path.join(folder, name, 'index.m3u8'), text)
  }
  const master = masterPlaylist({
    video: [
      {
        ...{ uri: `${NAMES.video}/index.m3u8`, width: 426, height: 240, fps: FPS, codecs: 'avc1.42c015' },
        ...bitrates(streams.video),
      },
    ],
    audio: { uri: `${NAMES.audio}/index.m3u8`, codecs: 'mp4a.40.2', ...bitrates(streams.audio) },
  })
  await writeFile(path.join(folder, 'master.m3u8'), master)
}
