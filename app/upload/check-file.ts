// What can be told about a file before a byte is sent. Pure; the server checks again.
import type { Problem } from '#app/live/api-client.ts'
import { describeBytes } from '#app/live/words.ts'

// For files whose type the browser does not know, which are many: it goes by the system's tables.
const videoExtensions =
  /\.(3g2|3gp|asf|avi|divx|dv|f4v|flv|m2ts|m2v|m4v|mkv|mov|mp4|mpe?g|mts|mxf|ogv|qt|rm|rmvb|ts|vob|webm|wmv)$/i

/** @returns why it cannot be uploaded, or null */
export function checkFile(file: File, maxBytes: number): Problem | null {
  if (file.size === 0) {
    return { code: 'empty', detail: 'This file is empty. Choose another copy of the video.' }
  }
  if (file.size > maxBytes) {
    const detail = `This file has ${describeBytes(file.size)}; this server takes up to ${describeBytes(maxBytes)}. Trim the video or export it smaller.`
    return { code: 'too_large', detail }
  }
  if (!file.type.startsWith('video/') && !videoExtensions.test(file.name)) {
    return {
      code: 'not_video',
      detail: 'This is not a video file. Choose a video, such as an MP4, MOV or WebM.',
    }
  }
  return null
}

/** "my_holiday-2024.final.mp4" → "My holiday-2024 final" */
export function titleFromFileName(name: string): string {
  const words = name
    .replace(/\.[^.]{1,5}$/, '')
    .replace(/[_.\s]+/g, ' ')
    .trim()
  const title = words === '' ? name : words
  return (title.charAt(0).toUpperCase() + title.slice(1)).slice(0, 200)
}
