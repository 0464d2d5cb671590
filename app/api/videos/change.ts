// What retry and cancel share: one transaction on one video, then the video as it is.
import { z } from 'zod'
import { notFound, problem } from '#app/problem.ts'
import { requestId } from '#app/requests.ts'
import { server } from '#app/server.ts'
import { videoById } from '#app/video-json.ts'
import type { Boss } from '#db/boss.ts'
import type { Trx } from '#db/client.ts'
import type { ChangeOutcome } from '#db/videos.ts'

const uuid = z.uuid()

/** Null when it is no id at all. */
export function parseVideoId(text: string): string | null {
  return uuid.safeParse(text).success ? text.toLowerCase() : null
}

export interface VideoContext {
  params: Promise<{ id: string }>
}

type Change = (trx: Trx, boss: Boss, id: string, requestId?: string) => Promise<ChangeOutcome>

/** @param conflict the sentence for a video whose status does not allow the change */
export function changeVideo(change: Change, conflict: string) {
  return async (_request: Request, { params }: VideoContext): Promise<Response> => {
    const video = await videoById((await params).id)
    if (!video) return notFound()
    const { db, boss } = await server()
    const queue = await boss()
    const outcome = await db.transaction().execute(trx => change(trx, queue, video.id, requestId()))
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
  }
}
