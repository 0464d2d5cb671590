// A video that began in a low rung, while nothing was known of the network, keeps that beginning in its
// buffer and would show it again in each round (http-streaming #1262, #1366, #1547).
import type { VideoJsPlayer } from '#app/player/create-player.ts'

/** Before its end: time enough to fetch the new beginning. */
const LOOKS_SECONDS = 2

// What VHS notes of each segment in its buffer, and what it is asked.
interface SegmentCue extends TextTrackCue {
  value: { bandwidth: number }
}
interface Segment {
  resolvedUri: string
  map?: { resolvedUri: string }
}
interface Vhs {
  playlists: { media(): { segments?: Segment[] } | undefined }
  playlistController_: { sourceUpdater_: { removeVideo(start: number, end: number): void } }
}

/**
 * Shortly before the end, a beginning in a lower rung than what plays is fetched in that one, and taken
 * out of the buffer: where the video begins again, VHS finds nothing there, and the new one in the cache.
 */
export function keepRungInLoops(player: VideoJsPlayer): void {
  const done = new WeakSet<TextTrackCue>()
  player.on('timeupdate', () => {
    const left = (player.duration() ?? 0) - (player.currentTime() ?? 0)
    const { vhs } = player.tech(true) as { vhs?: Vhs }
    if (!vhs || !player.loop() || !(left < LOOKS_SECONDS)) return
    const cues = segmentCues(player)
    const playing = cues.findLast(cue => cue.startTime <= (player.currentTime() ?? 0))
    const [first] = cues
    if (!first || !playing || done.has(first) || first.value.bandwidth >= playing.value.bandwidth) return
    done.add(first)
    const lower = cues.filter(({ value, endTime }) => {
      return value.bandwidth < playing.value.bandwidth && endTime <= playing.startTime
    })
    void fetchBeginning(vhs).then(() => {
      const end = lower.at(-1)?.endTime
      if (end === undefined || !segmentCues(player).includes(first)) return
      // Under what plays it would leave a hole: then in the next round, which finds it in the cache.
      if ((player.currentTime() ?? 0) < end) done.delete(first)
      else vhs.playlistController_.sourceUpdater_.removeVideo(0, end)
    })
  })
}

/** Into the browser's cache. Without it, it would only take longer. */
async function fetchBeginning({ playlists }: Vhs): Promise<void> {
  const [segment] = playlists.media()?.segments ?? []
  const addresses = segment ? [segment.resolvedUri, segment.map?.resolvedUri] : []
  await Promise.allSettled(addresses.map(async address => address && (await fetch(address)).arrayBuffer()))
}

function segmentCues(player: VideoJsPlayer): SegmentCue[] {
  const tracks = Array.from(player.textTracks() as unknown as ArrayLike<TextTrack>)
  const cues = tracks.find(({ label }) => label === 'segment-metadata')?.cues ?? []
  return Array.from(cues as ArrayLike<SegmentCue>).sort((a, b) => a.startTime - b.startTime)
}
