// What a page may load and run (https://www.w3.org/TR/CSP3/): its own files, its own scripts by a number that
// nobody else can know, media from where they are served. Pure.

/**
 * @param nonce new for each answer; Next.js takes it from the request's header of the same name
 * @param mediaBaseUrl '' for this site
 */
export function pagePolicy(nonce: string, mediaBaseUrl: string, isDevelopment: boolean): string {
  const media = mediaBaseUrl && ` ${new URL(mediaBaseUrl).origin}`
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'${isDevelopment ? " 'unsafe-eval'" : ''}`,
    // Sizes and places are attributes, and video.js writes a sheet; styles alone do nothing.
    "style-src 'self' 'unsafe-inline'",
    // blob: the person's own file before it is sent, and what the player hands to the video element.
    `img-src 'self' data: blob:${media}`,
    `media-src 'self' blob:${media}`,
    `connect-src 'self'${media}`,
    "font-src 'self'",
    "manifest-src 'self'",
    // video.js makes its own from text.
    "worker-src 'self' blob:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
