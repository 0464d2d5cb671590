// What an FFmpeg must have been built with to make what we publish; some distributions leave out
// H.264 for its patents. The worker asks at its start, quickstart and doctor before that.
export const ENCODERS = ['libx264', 'aac', 'mjpeg', 'libwebp_anim'] as const
export const MUXERS = ['hls', 'mp4', 'image2', 'webp', 'null'] as const
