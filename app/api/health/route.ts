// GET /api/health: 200 when the database answers and its migrations are current, else 503.
import path from 'node:path'
import { route } from '#app/answer.ts'
import { problem } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { pendingMigrations } from '#db/migrate.ts'
import { readHealth } from '#db/workers.ts'

export const dynamic = 'force-dynamic'

async function read(): Promise<Response> {
  const { db } = await server()
  const pending = await pendingMigrations(db, path.join(process.cwd(), 'db'))
  if (pending.length > 0) {
    const sentence = `Run \`pnpm migrate\`: the database lacks ${pending.join(', ')}.`
    return problem(503, 'migrations_pending', sentence)
  }
  const health = await readHealth(db)
  return Response.json(
    {
      status: health.workersAlive > 0 ? 'ok' : 'degraded',
      workers: { alive: health.workersAlive, slots: health.slots },
      queue: { depth: health.queued, processing: health.processing, oldestSeconds: health.oldestSeconds },
    },
    { headers: { 'Cache-Control': 'no-store' } },
  )
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
