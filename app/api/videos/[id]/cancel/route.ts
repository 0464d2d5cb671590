// POST /api/videos/:id/cancel: stops the work on a video; its upload is kept.

import { route } from '#app/answer.ts'
import { changeVideo } from '#app/api/videos/change.ts'
import { cancelVideo } from '#db/videos.ts'

const cancel = changeVideo(
  cancelVideo,
  'The video is finished: there is nothing to cancel. Delete it instead.',
)

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ POST: cancel })
