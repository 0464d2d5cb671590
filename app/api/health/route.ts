// GET /api/health: 200 when the database answers and its migrations are current, else 503.
import path from 'node:path'
import { route } from '#app/answer.ts'
import { problem } from '#app/problem.ts'
import { server } from '#app/server.ts'
import { deletedWithoutPurge, unfinishedWithoutJob } from '#db/invariants.ts'
import { pendingMigrations } from '#db/migrate.ts'
import { readHealth } from '#db/workers.ts'

export const dynamic = 'force-dynamic'

async function read(): Promise<Response> {
  const { pending, health, withoutJob } = await current()
  if (!health) {
    const sentence = `Run \`pnpm migrate\`: the database lacks ${pending.join(', ')}.`
    return problem(503, 'migrations_pending', sentence)
  }
  const { queued, processing, postponed, oldestSeconds } = health
  return Response.json(
    {
      status: health.workersAlive > 0 && withoutJob === 0 ? 'ok' : 'degraded',
      workers: { alive: health.workersAlive, slots: health.slots },
      queue: { depth: queued, processing, postponed, oldestSeconds, withoutJob },
    },
    { headers: { 'Cache-Control': 'no-store' } },
  )
}

const HOLDS_MS = 500
let last: { at: number; answer: ReturnType<typeof ask> } | null = null

/** Asked twice a second, however often we are: every page that waits for a worker asks. */
async function current() {
  if (last && performance.now() - last.at < HOLDS_MS) return last.answer
  const own = { at: performance.now(), answer: ask() }
  last = own
  own.answer.catch(() => {
    if (last === own) last = null
  })
  return own.answer
}

async function ask() {
  const { db } = await server()
  const pending = await pendingMigrations(db, path.join(process.cwd(), 'db'))
  if (pending.length > 0) return { pending, health: null, withoutJob: 0 }
  const health = await readHealth(db)
  const withoutJob = [...(await unfinishedWithoutJob(db)), ...(await deletedWithoutPurge(db))].length
  return { pending, health, withoutJob }
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route({ GET: read })
