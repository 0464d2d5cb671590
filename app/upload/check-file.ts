// What can be told about a file before a byte is sent. Pure; the server checks again.
import type { Problem } from '#app/live/api-client.ts'
import { describeBytes } from '#app/live/words.ts'
import { isVideo } from '#app/upload/video-file.ts'

/** @returns why it cannot be uploaded, or null */
export function checkFile(file: File, maxBytes: number): Problem | null {
  if (file.size === 0) {
    return { code: 'empty', detail: 'This file is empty. Choose another copy of the video.' }
  }
  if (file.size > maxBytes) {
    const detail = `This file has ${describeBytes(file.size)}; this server takes up to ${describeBytes(maxBytes)}. Trim the video or export it smaller.`
    return { code: 'too_large', detail }
  }
  if (!isVideo(file.name, file.type)) {
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
