// One throw-away Postgres for the whole run of Vitest, with a migrated template that each test file
// copies (test/database.ts).
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '#cli/postgres.ts'
import { migrate } from '#db/migrate.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    templateUrl: string
    /** removed after the run: hooks that are set inside hooks do not run, so files cannot tidy up */
    folder: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-test-'))
  // Postgres may run as another user than the tests.
  await chmod(folder, 0o711)
  const postgres = await startPostgres(folder, () => {}, { throwaway: true })
  await migrate(postgres.url)
  project.provide('templateUrl', postgres.url)
  project.provide('folder', folder)
  return async () => {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
