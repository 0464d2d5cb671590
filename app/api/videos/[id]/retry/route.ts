// POST /api/videos/:id/retry: queues a failed or cancelled video again.

import { route } from '#app/answer.ts'
import { changeVideo } from '#app/api/videos/change.ts'
import { retryVideo } from '#db/videos.ts'

const retry = changeVideo(
  retryVideo,
  'Only a failed or cancelled video whose upload is complete can be retried.',
)

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ POST: retry })
