// POST /api/videos/:id/retry: queues a failed or cancelled video again.
import { type Context, changeVideo } from '#app/api/videos/change.ts'
import { retryVideo } from '#db/videos.ts'

export function POST(request: Request, context: Context): Promise<Response> {
  return changeVideo(
    request,
    context,
    retryVideo,
    'Only a failed or cancelled video whose upload is complete can be retried.',
  )
}
