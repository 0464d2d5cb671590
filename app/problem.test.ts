// Each code that a client may meet is explained to operators, and none that does not exist.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { explain, problem, problemCodes, Refusal } from '#app/problem.ts'
import { requests } from '#app/requests.ts'
import { SOUND_UNDECODABLE } from '#db/missing.ts'
import { GAVE_UP } from '#db/settle.ts'

const root = path.resolve(import.meta.dirname, '..')

/** The first column of a section's table in docs/operations.md. */
function codesIn(section: string): string[] {
  const page = readFileSync(path.join(root, 'docs/operations.md'), 'utf8')
  const text = page.split(/^## /m).find(part => part.startsWith(`${section}\n`)) ?? ''
  return [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code ?? '').sort()
}

test('docs/operations.md says of each code of the API what to do', () => {
  expect(codesIn('Codes of the API')).toEqual([...problemCodes].sort())
})

test('no code of the API is left that nothing answers', () => {
  const source = sources('app').replace(/problemCodes = \[[^\]]*\]/, '')
  expect(problemCodes.filter(code => !source.includes(`'${code}'`))).toEqual([])
})

test('docs/operations.md says of each code of a failed video what it means', () => {
  const thrown = [...sources('worker').matchAll(/VideoError\(\s*'(\w+)'/g)].map(([, code]) => code ?? '')
  expect(thrown.length).toBeGreaterThan(5)
  expect(codesIn('Codes of videos')).toEqual(
    [...new Set([...thrown, GAVE_UP.code, SOUND_UNDECODABLE])].sort(),
  )
})

test.each([
  [Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), 503, 'database_unavailable'],
  [Object.assign(new Error('starting up'), { code: '57P03' }), 503, 'database_unavailable'],
  [new Error('Connection terminated unexpectedly'), 503, 'database_unavailable'],
  [Object.assign(new Error('no table'), { code: '42P01' }), 503, 'migrations_pending'],
  [new Refusal(503, 'wrong_storage', 'Another one.'), 503, 'wrong_storage'],
  [new Refusal(400, 'bad_limit', 'Less.'), 400, 'bad_limit'],
  [new Error('password is hunter2'), 500, 'internal'],
  ['not even an error', 500, 'internal'],
])('%s is told as %i %s', async (thrown, status, code) => {
  const current = { id: 'r-1', hasEnded: false }
  const response = requests.run(current, () => explain(thrown))
  expect(response.status).toBe(status)
  expect(response.headers.has('Retry-After')).toBe(status >= 500)
  const body = await response.json()
  expect(body).toMatchObject({ status, code, requestId: 'r-1' })
  expect(body.detail).not.toContain('hunter2')
  // What is ours goes to the log, what is the client's does not.
  expect('error' in current).toBe(status >= 500)
})

test('a problem’s title is its status in words, as about:blank asks for', async () => {
  const body = await problem(409, 'wrong_status', 'There is nothing to cancel.').json()
  expect(body).toMatchObject({ type: 'about:blank', title: 'Conflict', code: 'wrong_status' })
})

/** All code of a folder, without its tests. */
function sources(folder: string): string {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name) && !name.includes('.test.'))
    .map(name => readFileSync(path.join(root, folder, name), 'utf8'))
    .join('\n')
}
