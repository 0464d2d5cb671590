// A database of its own for a test file: a copy of the migrated template, dropped afterwards.
import { afterAll, inject, onTestFinished } from 'vitest'
import { type Boss, startBoss } from '#db/boss.ts'
import { type Db, openDatabase } from '#db/client.ts'
import { createDatabase } from './databases.ts'

export interface TestDatabase {
  url: string
  db: Db
  /** sends jobs, works on none */
  boss: Boss
}

/** Call at the top level of a test file: hooks set inside hooks or tests never run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = new URL(inject('templateUrl'))
  const { url, stop } = await createDatabase(template, template.pathname.slice(1))
  const errors: Error[] = []
  const onError = (error: Error) => errors.push(error)
  const db = openDatabase(url, 'pgreel-test', onError)
  const boss = await startBoss({ url, name: 'pgreel-test', works: false, onError })
  afterAll(async () => {
    await boss.stop({ graceful: false })
    await db.destroy()
    // Dropping ends connections that are on their way out, and they say so.
    const [error] = errors
    await stop()
    if (error) throw error
  })
  return { url, db, boss }
}

/** A database without a table, dropped after the test. @returns its url */
export async function createEmptyDatabase(): Promise<string> {
  const { url, stop } = await createDatabase(new URL(inject('templateUrl')), 'template0')
  onTestFinished(stop)
  return url
}
