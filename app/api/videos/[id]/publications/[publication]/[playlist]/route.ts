// GET, HEAD and OPTIONS of the playlists of a first rung's publication, rendered from its rows: they
// grow until it is whole, and answer as long as anyone may still play from them.
import { z } from 'zod'
import { route } from '#app/answer.ts'
import { CORS_HEADERS, PREFLIGHT_HEADERS } from '#app/media/byte-response.ts'
import { compressed } from '#app/media/compressed.ts'
import { renderPlaylist } from '#app/media/growing-playlist.ts'
import { problem } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { findPublication } from '#db/growth.ts'
import { contentType } from '#media/content-type.ts'

export const dynamic = 'force-dynamic'

interface PlaylistContext {
  params: Promise<{ id: string; publication: string; playlist: string }>
}

const uuid = z.uuid()

async function read(request: Request, { params }: PlaylistContext): Promise<Response> {
  const { id, publication, playlist } = await params
  const isNamed = uuid.safeParse(id).success && uuid.safeParse(publication).success
  const { db, config } = await server()
  const streams = isNamed ? await findPublication(db, id, publication) : null
  const text = streams && renderPlaylist(streams, playlist, config.mediaBaseUrl)
  if (!text) {
    return problem(404, 'not_found', 'There is no such playlist, or its video was deleted.', CORS_HEADERS)
  }
  const headers = {
    ...CORS_HEADERS,
    // It grows, and what is deleted must not be played from a cache.
    'Cache-Control': 'no-store',
    'Content-Type': contentType(playlist),
  }
  return compressed(request, new Response(text, { headers }))
}

const preflight = () => new Response(null, { status: 204, headers: PREFLIGHT_HEADERS })

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read, OPTIONS: preflight })
