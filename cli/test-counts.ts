// Reads the runners' JSON reports: how many tests passed, failed and were skipped.
import { z } from 'zod'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

// https://vitest.dev/guide/reporters.html#json-reporter
const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.unknown()) })),
})

// https://playwright.dev/docs/api/class-testreporter, `JSONReport`
const playwrightReport = z.object({
  stats: z.object({ expected: z.number(), unexpected: z.number(), flaky: z.number(), skipped: z.number() }),
  errors: z.array(z.unknown()),
})

/** Null when there is no report, or none that we know. */
export function countVitest(report: unknown): Counts | null {
  const { data } = vitestReport.safeParse(report)
  if (!data) return null
  // A file that could not be loaded has no test that failed.
  const broken = data.testResults.filter(
    file => file.status === 'failed' && file.assertionResults.length === 0,
  )
  return {
    passed: data.numPassedTests,
    failed: data.numFailedTests + broken.length,
    skipped: data.numPendingTests + data.numTodoTests,
  }
}

/** A test that passed only when tried again counts as failed. */
export function countPlaywright(report: unknown): Counts | null {
  const { data } = playwrightReport.safeParse(report)
  if (!data) return null
  const { expected, unexpected, flaky, skipped } = data.stats
  // Errors outside of tests: a config, a global setup.
  const failed = unexpected + flaky
  return { passed: expected, failed: failed === 0 && data.errors.length > 0 ? 1 : failed, skipped }
}
