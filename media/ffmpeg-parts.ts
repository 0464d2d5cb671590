// What an FFmpeg must have been built with to make what we publish; some distributions leave out
// H.264 for its patents. The worker asks at its start, quickstart and doctor before that.
export const ENCODERS = ['libx264', 'aac', 'mjpeg', 'libwebp_anim'] as const
export const MUXERS = ['hls', 'mp4', 'image2', 'webp', 'null'] as const

/** @param listed what `ffmpeg -encoders` or `-muxers` says @returns the names it lacks */
export function withoutParts(listed: string, names: readonly string[]): string[] {
  return names.filter(name => !new RegExp(`^ +\\S+ +${name} `, 'm').test(listed))
}

/** @param banner what FFmpeg says of itself before anything else, on stderr */
export function versionOf(banner: string): string {
  return /^ffmpeg version (\d[\d.]*|\S+)/.exec(banner)?.[1] ?? 'of unknown version'
}
