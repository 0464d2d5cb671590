// Reads the runners' JSON reports: how many tests passed, failed and were skipped, and which failed.
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'

export interface Counts {
  passed: number
  failed: number
  skipped: number
  /** What failed, a line each with the first of its message; the runner's own report is far above. */
  failures: string[]
}

// https://vitest.dev/guide/reporters.html#json-reporter
const vitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})

// https://playwright.dev/docs/api/class-testreporter, `JSONReport`
const spec = z.object({
  title: z.string(),
  file: z.string(),
  tests: z.array(
    z.object({
      status: z.string(),
      results: z.array(z.object({ error: z.object({ message: z.string().optional() }).optional() })),
    }),
  ),
})
const suite = z.object({
  specs: z.array(spec),
  get suites() {
    return z.array(suite).optional()
  },
})
const playwrightReport = z.object({
  stats: z.object({ expected: z.number(), unexpected: z.number(), flaky: z.number(), skipped: z.number() }),
  errors: z.array(z.object({ message: z.string().optional() })),
  suites: z.array(suite),
})

/** Null when there is no report, or none that we know. */
export function countVitest(report: unknown): Counts | null {
  const { data } = vitestReport.safeParse(report)
  if (!data) return null
  // A file that could not be loaded has no test that failed.
  const broken = data.testResults.filter(
    file => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = data.testResults.flatMap(file =>
    file.assertionResults
      .filter(test => test.status === 'failed')
      .map(test => describeFailure(`${file.name} › ${test.fullName}`, test.failureMessages?.[0])),
  )
  return {
    passed: data.numPassedTests,
    failed: data.numFailedTests + broken.length,
    skipped: data.numPendingTests + data.numTodoTests,
    failures: [...failed, ...broken.map(file => describeFailure(file.name, file.message))],
  }
}

/** A test that passed only when tried again counts as failed. */
export function countPlaywright(report: unknown): Counts | null {
  const { data } = playwrightReport.safeParse(report)
  if (!data) return null
  const { expected, unexpected, flaky, skipped } = data.stats
  const tests = data.suites
    .flatMap(specsOf)
    .flatMap(spec =>
      spec.tests
        .filter(test => test.status === 'unexpected' || test.status === 'flaky')
        .map(test =>
          describeFailure(
            `${spec.file} › ${spec.title}`,
            test.results.find(result => result.error)?.error?.message,
          ),
        ),
    )
  // Errors outside of tests: a config, a global setup.
  const outside = data.errors.map(error => describeFailure('playwright', error.message))
  const failed = unexpected + flaky
  return {
    passed: expected,
    failed: failed === 0 && outside.length > 0 ? 1 : failed,
    skipped,
    failures: [...tests, ...outside],
  }
}

function specsOf(from: z.infer<typeof suite>): z.infer<typeof spec>[] {
  return [...from.specs, ...(from.suites ?? []).flatMap(specsOf)]
}

function describeFailure(name: string, message = ''): string {
  const first = stripVTControlCharacters(message).trim().split('\n')[0]
  return first ? `${name}: ${first}` : name
}
