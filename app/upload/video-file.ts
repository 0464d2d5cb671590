// Which files are let in by what they are called: the browser asks before it sends a byte, the
// server asks again. Pure. What is really in a file, the worker's probe finds out.

const EXTENSIONS = new Set(
  (
    '3g2 3gp asf avi dv f4v flv gif ivf m2t m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf ' +
    'ogm ogv qt rm ts vob webm wmv'
  ).split(' '),
)
const UNDECLARED_TYPES = new Set([
  '',
  'application/octet-stream',
  'application/mxf',
  'application/x-matroska',
])

/**
 * @param filename '' when the client did not say
 * @param filetype media type, '' or application/octet-stream when the client does not know
 */
export function isVideo(filename: string, filetype: string): boolean {
  const type = filetype.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!type.startsWith('video/') && type !== 'image/gif' && !UNDECLARED_TYPES.has(type)) return false
  const extension = /\.([^./\\]{1,16})$/.exec(filename)?.[1]?.toLowerCase()
  return extension === undefined ? type.startsWith('video/') || filename === '' : EXTENSIONS.has(extension)
}
