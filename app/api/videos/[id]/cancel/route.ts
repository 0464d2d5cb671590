// POST /api/videos/:id/cancel: stops the work on a video; its upload is kept.
import { type Context, changeVideo } from '#app/api/videos/change.ts'
import { cancelVideo } from '#db/videos.ts'

export function POST(request: Request, context: Context): Promise<Response> {
  return changeVideo(
    request,
    context,
    cancelVideo,
    'The video is finished: there is nothing to cancel. Delete it instead.',
  )
}
