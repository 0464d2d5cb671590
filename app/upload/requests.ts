// What the page asks of the server beside sending bytes. Nothing depends on an answer.
import { callApi } from '#app/live/api-client.ts'
import { uploadsPath } from '#app/upload/upload-memory.ts'
import type { Video } from '#app/video.ts'

/** null where there is none, and where the server cannot be asked */
export function findVideo(videoId: string): Promise<Video | null> {
  return callApi<Video>(`/api/videos/${videoId}`).catch(() => null)
}

/** Best effort: an upload nobody continues expires on the server anyway. */
export async function terminate(videoId: string) {
  const headers = { 'Tus-Resumable': '1.0.0' }
  await callApi(`${uploadsPath}/${videoId}`, { method: 'DELETE', headers }).catch(() => null)
}
