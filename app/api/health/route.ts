// GET /api/health: 200 when the database answers and its migrations are current, else 503.
import path from 'node:path'
import { log } from '#app/log.ts'
import { problem } from '#app/problem.ts'
import { server, WrongStorage } from '#app/server.ts'
import { pendingMigrations } from '#db/migrate.ts'
import { readHealth } from '#db/workers.ts'

const UNDEFINED_TABLE = '42P01'

export const dynamic = 'force-dynamic'

export async function GET(): Promise<Response> {
  try {
    const { db } = await server()
    const pending = await pendingMigrations(db, path.join(process.cwd(), 'db'))
    if (pending.length > 0) {
      return problem(
        503,
        'migrations_pending',
        `Run \`pnpm migrate\`: the database lacks ${pending.join(', ')}.`,
      )
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
  } catch (error) {
    log.error({ err: error }, 'health check failed')
    if (error instanceof WrongStorage) return problem(503, 'wrong_storage', error.message)
    if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) {
      return problem(503, 'migrations_pending', 'The database is empty: run `pnpm migrate`.')
    }
    return problem(503, 'database_unreachable', 'The database does not answer.')
  }
}
