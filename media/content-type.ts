// Which media type a published file has, by the ending of its name.

const TYPES: Record<string, string> = {
  // RFC 8216 §4 and §10; segments: ISO/IEC 23000-19 (CMAF) and the IANA registry.
  m3u8: 'application/vnd.apple.mpegurl',
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  m4a: 'audio/mp4',
  vtt: 'text/vtt; charset=utf-8',
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
  gif: 'image/gif',
  json: 'application/json',
}

/** Unknown endings are opaque bytes: with `nosniff` no browser makes a page or a script of them. */
export function contentType(key: string): string {
  const ending = key.slice(key.lastIndexOf('.') + 1).toLowerCase()
  return (Object.hasOwn(TYPES, ending) ? TYPES[ending] : undefined) ?? 'application/octet-stream'
}
