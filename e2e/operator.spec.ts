// What an operator relies on: one id from the request to the worker's lines, a database that may go and
// come back, a proxy that passes on another name.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startPostgres } from '#cli/postgres.ts'
import { makeClip } from '#test/clips.ts'
import { createUpload, type Stack, settled, startStack, upload } from './stack.ts'
import { expect, test } from './test.ts'

test('a request’s id is in the web’s log, in the job and in the worker’s log, each line JSON', async ({
  stack,
  clips,
}) => {
  const file = await makeClip(clips, 'followed.mp4', { seconds: 1 })
  const id = await upload(stack, file, 'clip.mp4', { 'X-Request-Id': 'from-the-proxy.1' })
  await settled(stack, id)
  const path = `/api/uploads/${id}`
  await fetch(stack.url + path, { headers: { 'X-Request-Id': 'refused-1' } })

  const ours = (lines: Line[]) => lines.filter(line => line.requestId === 'from-the-proxy.1')
  await expect.poll(() => ours(linesOf(stack.workers)).map(line => line.msg)).toContain('attempt ended')
  expect(ours(linesOf(stack.workers))).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ process: 'worker', videoId: id, work: 'ladder', msg: 'attempt started' }),
      expect.objectContaining({ process: 'worker', videoId: id, work: 'ladder', msg: 'attempt ended' }),
    ]),
  )
  await expect.poll(() => linesOf([stack.web]).map(line => line.requestId)).toContain('refused-1')
  const lines = ours(linesOf([stack.web]))
  expect(lines).toHaveLength(3)
  // The web process has more than one logger: lines of the same moment come in any order.
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ method: 'POST', path: '/api/uploads', status: 201, ms: expect.any(Number) }),
      expect.objectContaining({ videoId: id, msg: 'video queued' }),
      expect.objectContaining({ method: 'PATCH', path, status: 204, msg: 'request answered', level: 30 }),
    ]),
  )
  expect(linesOf([stack.web]).find(line => line.requestId === 'refused-1')).toMatchObject({
    ...{ method: 'GET', path, status: 405, code: 'method_not_allowed', level: 30 },
  })
  expect(
    await stack.query(`select data from pgboss.job where name = 'first' and data ->> 'videoId' = $1`, [id]),
  ).toEqual([{ data: { videoId: id, requestId: 'from-the-proxy.1' } }])
})

test('Postgres stops: API and pages say so calmly; Postgres starts: everything goes on by itself', async ({
  page,
  clips,
}) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgreel-e2e-postgres-'))
  await chmod(folder, 0o711)
  let postgres = await startPostgres(folder, () => {})
  const stack = await startStack({
    databaseUrl: postgres.url,
    env: { PUBLIC_URL: 'https://videos.example/' },
  })
  try {
    const file = await makeClip(clips, 'outlived.mp4', { seconds: 1 })
    const first = await upload(stack, file)
    const { mp4Url } = await settled(stack, first)
    await postgres.stop()

    const asked: [string, RequestInit?][] = [
      ['/api/videos'],
      [`/api/videos/${first}`],
      [`/api/videos/${first}`, { method: 'DELETE' }],
      ['/api/health'],
    ]
    for (const [path, init] of asked) await expectAway(await fetch(stack.url + path, init))
    await expectAway((await createUpload(stack, 10, { filename: 'a.mp4' })).response)
    expect((await fetch(stack.url + mp4Url)).status, 'bytes need no database').toBe(200)
    for (const path of ['/', `/v/${first}`]) {
      const response = await page.goto(stack.url + path)
      expect(response?.status()).toBe(503)
      expect(await response?.headerValue('Retry-After')).toBe('5')
      await expect(page.getByRole('heading', { name: 'This page could not be loaded' })).toBeVisible()
    }

    postgres = await startPostgres(folder, () => {})
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect(page.getByRole('heading', { name: 'clip' })).toBeVisible()
    const second = await upload(stack, file)
    expect(await settled(stack, second)).toMatchObject({ status: 'ready' })
    expect((await fetch(`${stack.url}/api/health`)).status).toBe(200)
    for (const line of linesOf([stack.web]))
      expect(JSON.stringify(line)).not.toContain(passwordOf(postgres.url))

    // The public origin is known, whatever Host the proxy passes on.
    const behindProxy = { Origin: 'https://videos.example', Host: '10.0.0.1' }
    const edit = { method: 'PATCH', headers: behindProxy, body: '{"title":"Renamed"}' }
    expect((await fetch(`${stack.url}/api/videos/${second}`, edit)).status).toBe(200)
  } finally {
    await stack.stop()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

async function expectAway(response: Response): Promise<void> {
  expect(response.status, response.url).toBe(503)
  expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
  expect(await response.json()).toMatchObject({ code: 'database_unavailable' })
}

type Line = Record<string, unknown>

/** Everything that processes have written; throws where a line is not one JSON object. */
function linesOf(processes: Stack['workers']): Line[] {
  return processes.flatMap(({ output }) =>
    output()
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Line),
  )
}

function passwordOf(url: string): string {
  return new URL(url).password
}
