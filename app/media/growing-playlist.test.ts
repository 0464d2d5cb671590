import { expect, test } from 'vitest'
import type { GrowingStream } from '#db/growth.ts'
import { renderPlaylist } from './growing-playlist.ts'

const FOLDER = 'videos/00000000-0000-4000-8000-000000000001/00000000-0000-4000-8000-000000000002'
const segments = [
  { uri: '00000.m4s', durationSeconds: 2 },
  { uri: '00001.m4s', durationSeconds: 1.5 },
]
const common = { segments, complete: false, target_seconds: 3 }
const video: GrowingStream = {
  ...{ ...common, kind: 'video', key: `${FOLDER}/v480/index.m3u8`, width: 480, height: 854, fps: 25 },
  ...{ codecs: 'avc1.64001e', peak_bps: 900_000, average_bps: 700_000 },
}
const audio: GrowingStream = {
  ...{ ...common, kind: 'audio', key: `${FOLDER}/audio/index.m3u8`, width: null, height: null, fps: null },
  ...{ codecs: 'mp4a.40.2', peak_bps: 100_000, average_bps: 100_000 },
}

test('the master names the streams’ own lists beside it', () => {
  expect(renderPlaylist([audio, video], 'master.m3u8', 'https://cdn.example')).toBe(`#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1000000,AVERAGE-BANDWIDTH=800000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=480x854,FRAME-RATE=25.000,AUDIO="audio"
v480.m3u8
`)
})

test('a stream’s list names what is there by now where media are served, and has its end when it is complete', () => {
  const growing = renderPlaylist([video], 'v480.m3u8', 'https://cdn.example')
  expect(growing).toBe(`#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:3
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-START:TIME-OFFSET=0
#EXT-X-MAP:URI="https://cdn.example/media/${FOLDER}/v480/init.mp4"
#EXTINF:2.000000,
https://cdn.example/media/${FOLDER}/v480/00000.m4s
#EXTINF:1.500000,
https://cdn.example/media/${FOLDER}/v480/00001.m4s
`)
  const complete = renderPlaylist([{ ...video, complete: true }], 'v480.m3u8', 'https://cdn.example')
  expect(complete).toBe(`${growing}#EXT-X-ENDLIST\n`)
  expect(renderPlaylist([video], 'v480.m3u8', '')).toContain(`"/media/${FOLDER}/v480/init.mp4"`)
})

test('one that was whole when it was listed is a list like any other', () => {
  const text = renderPlaylist([{ ...video, complete: true, target_seconds: null }], 'v480.m3u8', '')
  expect(text).toContain('#EXT-X-PLAYLIST-TYPE:VOD\n')
  expect(text).not.toContain('EXT-X-START')
})

test.each(['v720.m3u8', 'v480', 'index.m3u8', 'init.mp4', '', '../v480.m3u8'])(
  '%j is none of its lists',
  name => {
    expect(renderPlaylist([video, audio], name, '')).toBeNull()
  },
)
