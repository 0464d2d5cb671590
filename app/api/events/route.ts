// GET /api/events?videos=a,b,c: one stream of server-sent events for many videos (HTML Living
// Standard §9.2). `video` is a snapshot, `stage` one step with an id that Last-Event-ID replays from,
// `alive` says that nothing on the way holds the stream back.
import { z } from 'zod'
import { route } from '#app/answer.ts'
import { log } from '#app/log.ts'
import { problem } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { currentViewer } from '#app/viewer.ts'
import { hub, type Message, type Subscriber } from './hub.ts'

export const dynamic = 'force-dynamic'

const MAX_VIDEOS = 100
const KEEP_ALIVE_MS = 15_000
// A client that does not read is dropped; it comes back and gets a snapshot.
const MAX_UNREAD_CHUNKS = 500

const videoIds = z
  .string()
  .transform(text => [...new Set(text.toLowerCase().split(','))])
  .pipe(z.array(z.uuid()).min(1).max(MAX_VIDEOS))

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // no-transform: compression would hold messages back; nginx is told the same in its own words.
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

async function watch(request: Request): Promise<Response> {
  const ids = videoIds.safeParse(new URL(request.url).searchParams.get('videos') ?? '')
  if (!ids.success) {
    return problem(400, 'bad_videos', `videos must be 1 to ${MAX_VIDEOS} ids, separated by commas.`)
  }
  // A stream that nobody reads would never be closed.
  if (request.method === 'HEAD') return new Response(null, { headers: HEADERS })
  const lastEvent = request.headers.get('Last-Event-ID')
  const afterId = lastEvent !== null && /^\d{1,15}$/.test(lastEvent) ? Number(lastEvent) : null
  return new Response(await openStream(ids.data, afterId, request.signal), { headers: HEADERS })
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: watch })

async function openStream(
  ids: string[],
  afterId: number | null,
  signal: AbortSignal,
): Promise<ReadableStream> {
  const events = hub(await server())
  const viewer = await currentViewer()
  const encoder = new TextEncoder()
  let end: () => void = () => {}
  return new ReadableStream<Uint8Array>(
    {
      async start(controller) {
        let isOpen = true
        const write = (text: string) => {
          if (!isOpen) return
          controller.enqueue(encoder.encode(text))
          if ((controller.desiredSize ?? 0) < -MAX_UNREAD_CHUNKS) end()
        }
        const subscriber: Subscriber = {
          viewer,
          sent: new Map(ids.map(id => [id, 0])),
          send: message => write(format(message)),
          close: () => end(),
        }
        const keepAlive = setInterval(() => write('event: alive\ndata:\n\n'), KEEP_ALIVE_MS)
        end = () => {
          if (!isOpen) return
          isOpen = false
          clearInterval(keepAlive)
          events.unsubscribe(subscriber)
          controller.close()
        }
        signal.addEventListener('abort', () => end())
        write('retry: 2000\n\n')
        try {
          await events.subscribe(subscriber, afterId)
        } catch (error) {
          // The client comes back in two seconds, and so may the database.
          log.warn({ err: error }, 'event stream not opened')
          end()
        }
      },
      cancel: () => end(),
    },
    { highWaterMark: 1 },
  )
}

function format(message: Message): string {
  const id = message.event === 'stage' ? `id: ${message.id}\n` : ''
  return `event: ${message.event}\n${id}data: ${JSON.stringify(message.data)}\n\n`
}
