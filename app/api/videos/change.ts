// What retry and cancel share: one transaction on one video, then the video as it is.
import { answerOwn, notFound, problem } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import type { Boss } from '#db/boss.ts'
import type { Trx } from '#db/client.ts'
import type { ChangeOutcome } from '#db/videos.ts'

export interface Context {
  params: Promise<{ id: string }>
}

type Change = (trx: Trx, boss: Boss, id: string) => Promise<ChangeOutcome>

export function changeVideo(
  request: Request,
  { params }: Context,
  change: Change,
  conflict: string,
): Promise<Response> {
  return answerOwn(request, async () => {
    const video = await videoById((await params).id)
    if (!video) return notFound()
    const { db, boss } = await server()
    const queue = await boss()
    const outcome = await db.transaction().execute(trx => change(trx, queue, video.id))
    switch (outcome) {
      case 'done':
        return Response.json(await videoById(video.id))
      case 'not found':
        return notFound()
      case 'source gone':
        return problem(
          409,
          'source_removed',
          'The uploaded file was removed after its video was ready, so nothing can be made from it again. Upload it once more.',
        )
      case 'conflict':
        return problem(409, 'wrong_status', conflict)
      default:
        return outcome satisfies never
    }
  })
}
