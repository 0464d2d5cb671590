// Files that name others: playlists, scripts and pages in a video's clothes. What each would have opened is
// a canary beside them, or a socket that counts its callers.

export interface Bait {
  /** an absolute path: a video that plays, so that whoever reads it gets a video */
  canary: string
  /** such as http://127.0.0.1:1234 */
  url: string
}

const hls = (...lines: string[]) =>
  ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:2', ...lines, '#EXT-X-ENDLIST', ''].join('\n')
const segment = (address: string) => hls('#EXTINF:2,', address)
const mpd = (inner: string) =>
  `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">${inner}</Representation></AdaptationSet></Period></MPD>`
const svg = (href: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64"><image xlink:href="${href}" width="64" height="64"/></svg>`
const sdp = (host: string) =>
  `v=0\r\no=- 0 0 IN IP4 ${host}\r\ns=x\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n`

export const DISGUISES: Record<string, (bait: Bait) => string> = {
  'an HLS playlist of a file': ({ canary }) => segment(canary),
  'an HLS playlist of a file: address': ({ canary }) => segment(`file:${canary}`),
  'an HLS playlist of a file:// address': ({ canary }) => segment(`file://${canary}`),
  'an HLS playlist of http': ({ url }) => segment(`${url}/segment.mp4`),
  'an HLS playlist of tcp': ({ url }) => segment(url.replace('http', 'tcp')),
  'an HLS playlist of data': () => segment('data:video/mp4;base64,AAAAIGZ0eXBpc29t'),
  'an HLS playlist of concat': ({ canary }) => segment(`concat:${canary}|${canary}`),
  'an HLS playlist of subfile': ({ canary }) => segment(`subfile,,start,0,end,0,,:${canary}`),
  'an HLS playlist of crypto': ({ canary }) => segment(`crypto+file:${canary}`),
  'an HLS playlist of gopher': ({ url }) => segment(`${url.replace('http', 'gopher')}/_GET`),
  'an HLS playlist with a key': ({ url, canary }) =>
    hls(`#EXT-X-KEY:METHOD=AES-128,URI="${url}/key"`, '#EXTINF:2,', canary),
  'an HLS playlist with a map': ({ canary }) => hls(`#EXT-X-MAP:URI="${canary}"`, '#EXTINF:2,', canary),
  'an HLS master playlist': ({ url }) => `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${url}/list.m3u8\n`,
  'an HLS master playlist of sounds': ({ url }) =>
    `#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="${url}/a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\n${url}/v.m3u8\n`,
  'a concat script': ({ canary }) => `ffconcat version 1.0\nfile '${canary}'\n`,
  'a concat script that climbs': ({ canary }) =>
    `ffconcat version 1.0\nfile '../../../../../../../..${canary}'\n`,
  'a concat script of http': ({ url }) => `ffconcat version 1.0\nfile '${url}/a.mp4'\n`,
  'a concat script with options': ({ canary }) =>
    `ffconcat version 1.0\nfile '${canary}'\noption safe 0\noption protocol_whitelist file,http,tcp\n`,
  'a session description': () => sdp('127.0.0.1'),
  'a session description of elsewhere': () => sdp('192.0.2.1'),
  'a DASH manifest of http': ({ url }) => mpd(`<BaseURL>${url}/v.mp4</BaseURL>`),
  'a DASH manifest of a file': ({ canary }) => mpd(`<BaseURL>file://${canary}</BaseURL>`),
  'a DASH manifest with a foreign entity': ({ canary }) =>
    `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY c SYSTEM "file://${canary}">]><MPD>&c;</MPD>`,
  'an SVG with a picture of a file': ({ canary }) => svg(`file://${canary}`),
  'an SVG with a picture of http': ({ url }) => svg(`${url}/a.png`),
  'a smooth streaming manifest': ({ url }) =>
    `<SmoothStreamingMedia MajorVersion="2"><StreamIndex Type="video" Url="${url}/q"/></SmoothStreamingMedia>`,
  'a plain list': ({ canary }) => `${canary}\n${canary}\n`,
  'a PLS list': ({ url }) => `[playlist]\nFile1=${url}/a.mp4\nNumberOfEntries=1\nVersion=2\n`,
  'an ASX list': ({ url }) => `<asx version="3.0"><entry><ref href="${url}/a.asf"/></entry></asx>`,
  'an ASF redirection': ({ url }) => `[Reference]\r\nRef1=${url}/a.asf?MSWMExt=.asf\r\n`,
  'a SMIL presentation': ({ url }) => `<smil><body><video src="${url}/a.mp4"/></body></smil>`,
  'a QuickTime link': ({ url }) =>
    `<?xml version="1.0"?><?quicktime type="application/x-quicktime-media-link"?><embed src="${url}/a.mov"/>`,
  'an RTSP redirection': ({ url }) => `RTSPtextRTSP://${url.replace('http://', '')}/a\n`,
  'a page': ({ url }) =>
    `<!doctype html><meta http-equiv="refresh" content="0;url=${url}"><video src="${url}">`,
  'a subtitle index': () =>
    '# VubSub index file, v7 (do not modify this line!)\n# VobSub index file, v7\nid: en, index: 0\n',
  'subtitles that name a font': ({ canary }) =>
    `[Script Info]\nScriptType: v4.00+\n[Fonts]\nfontname: ${canary}\n`,
  subtitles: () => '1\n00:00:00,000 --> 00:00:01,000\n<font face="file:///etc/shadow">x</font>\n',
  'an AviSynth script': ({ canary }) => `AviSource("${canary}")\n`,
  'a VapourSynth script': ({ canary }) => `import vapoursynth as vs\nopen("${canary}").read()\n`,
  'a graph of filters': ({ canary }) => `movie=${canary}[out0]`,
  metadata: () => ';FFMETADATA1\ntitle=x\n[CHAPTER]\nSTART=0\nEND=1\n',
  'a cue sheet': ({ canary }) => `FILE "${canary}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n`,
  'a composition playlist': ({ canary }) =>
    `<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>${canary}</Id></CompositionPlaylist>`,
}
