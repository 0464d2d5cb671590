// The playlists of a publication that grows, from its rows: `master.m3u8`, and `<name>.m3u8` for each
// stream beside it. Pure. The segments they name are media, wherever those are served.
import path from 'node:path'
import type { GrowingStream } from '#db/growth.ts'
import { mediaUrl } from '#media/keys.ts'
import { masterPlaylist, mediaPlaylist } from '#media/playlist.ts'

/** @returns null when it has no playlist of that name */
export function renderPlaylist(
  streams: GrowingStream[],
  playlist: string,
  mediaBaseUrl: string,
): string | null {
  if (playlist === 'master.m3u8') return renderMaster(streams)
  const stream = streams.find(each => uriOf(each) === playlist)
  if (!stream) return null
  const { segments, complete, target_seconds } = stream
  return mediaPlaylist({
    base: `${mediaUrl(mediaBaseUrl, folderOf(stream))}/`,
    init: 'init.mp4',
    segments,
    complete,
    ...(target_seconds && { targetDuration: target_seconds, hasGrown: true }),
  })
}

function renderMaster(streams: GrowingStream[]): string {
  const described = streams.map(stream => ({
    kind: stream.kind,
    uri: uriOf(stream),
    width: stream.width ?? 0,
    height: stream.height ?? 0,
    fps: stream.fps ?? 0,
    codecs: stream.codecs ?? '',
    peakBps: stream.peak_bps ?? 0,
    averageBps: stream.average_bps ?? 0,
  }))
  return masterPlaylist({
    video: described.filter(({ kind }) => kind === 'video'),
    audio: described.find(({ kind }) => kind === 'audio') ?? null,
  })
}

/** `key` is `videos/<id>/<token>/<name>/index.m3u8`. */
function folderOf({ key }: GrowingStream): string {
  return path.posix.dirname(key)
}

function uriOf(stream: GrowingStream): string {
  return `${path.posix.basename(folderOf(stream))}.m3u8`
}
