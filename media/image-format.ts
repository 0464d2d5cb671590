// What a picture is by its first bytes. Pure. Whether it can be decoded, FFmpeg finds out.

export type ImageFormat = 'jpeg' | 'png' | 'webp'

/** @returns null for whatever is none of these */
export function imageFormat(bytes: Uint8Array): ImageFormat | null {
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))
  if (ascii(0, 3) === '\xff\xd8\xff') return 'jpeg'
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'png'
  return ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP' ? 'webp' : null
}
