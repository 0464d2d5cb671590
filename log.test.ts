// What an operator's tools read: lines that parse, and no secret in any of them.
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'

/** Runs `script` with a log called `log`. @returns what it wrote, parsed line by line */
function linesOf(script: string): Record<string, unknown>[] {
  const file = path.resolve(import.meta.dirname, 'log.ts')
  const source = `import { openLog } from ${JSON.stringify(file)}; const log = openLog('web', 'info', () => ({ requestId: 'r-1' })); ${script}`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', source], {
    encoding: 'utf8',
  })
  return output
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

test('each event is one line of JSON with its process, level and what belongs to it', () => {
  const lines = linesOf(
    `log.info({ videoId: 'v' }, 'two\\nlines'); log.error({ err: new Error('no') }, 'failed')`,
  )
  expect(lines).toMatchObject([
    { level: 30, process: 'web', requestId: 'r-1', videoId: 'v', msg: 'two\nlines' },
    { level: 50, process: 'web', requestId: 'r-1', err: { message: 'no' }, msg: 'failed' },
  ])
})

test('secrets are taken out wherever they are said', () => {
  const text = JSON.stringify(
    linesOf(`
      const url = 'postgres://pgreel:hunter2@db.example:5432/pgreel'
      log.error({ err: new Error('cannot reach ' + url, { cause: new Error(url) }) }, url)
      log.info({ DATABASE_URL: 'hunter2', config: { databaseUrl: 'hunter2', password: 'hunter2' } }, 'x')
      log.info({ headers: { cookie: 'hunter2' }, request: { headers: { authorization: 'hunter2' } } }, 'x')`),
  )
  expect(text).not.toContain('hunter2')
  expect(text).toContain('postgres://pgreel:***@db.example:5432/pgreel')
})
