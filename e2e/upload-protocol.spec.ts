// tus as hostile or unlucky clients speak it: identical bytes, one job, clear refusals.
import { createHash, randomBytes } from 'node:crypto'
import { readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { makeClip } from '#test/clips.ts'
import { createUpload, head, idOf, patch, settled, upload } from './stack.ts'
import { expect, test } from './test.ts'

const VIDEO = { filename: 'clip.mp4', filetype: 'video/mp4' }

test('bytes beyond 10 MiB and across chunk borders arrive identical', async ({ stack }) => {
  const bytes = randomBytes(23 * 1024 * 1024 + 7)
  const { location } = await createUpload(stack, bytes.length, VIDEO)
  const borders = [0, 1, 65_537, 12 * 1024 * 1024 + 3, bytes.length]
  for (const [index, start] of borders.slice(0, -1).entries()) {
    const response = await patch(location, start, bytes.subarray(start, borders[index + 1]))
    expect(response.status).toBe(204)
    expect(Number(response.headers.get('Upload-Offset'))).toBe(borders[index + 1])
  }
  const id = idOf(location)
  const stored = await readFile(path.join(stack.dataDir, 'storage/sources', id))
  expect(sha256(stored)).toBe(sha256(bytes))
  expect(await settled(stack, id)).toMatchObject({ status: 'failed', error: { code: 'not_a_video' } })
})

test('a PATCH that breaks off keeps what arrived, and the upload goes on from there', async ({
  stack,
  clips,
}) => {
  const bytes = await readFile(await makeClip(clips, 'broken-off.mp4', { seconds: 2 }))
  const { location } = await createUpload(stack, bytes.length, VIDEO)
  const half = bytes.subarray(0, Math.floor(bytes.length / 2))
  const aborted = new AbortController()
  await fetch(location, {
    method: 'PATCH',
    headers: {
      'Tus-Resumable': '1.0.0',
      'Upload-Offset': '0',
      'Content-Type': 'application/offset+octet-stream',
    },
    body: new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array(half))
        await expect.poll(() => stored(stack, location)).toBe(half.length)
        aborted.abort()
      },
    }),
    signal: aborted.signal,
    duplex: 'half',
  } as RequestInit).catch(error => expect(error.name).toBe('AbortError'))
  const offset = Number((await head(location)).headers.get('Upload-Offset'))
  expect(offset).toBe(half.length)
  expect((await patch(location, offset, bytes.subarray(offset))).status).toBe(204)
  expect(await settled(stack, idOf(location))).toMatchObject({ status: 'ready' })
})

test('one upload makes one job, however often its end is repeated', async ({ stack, clips }) => {
  const id = await upload(stack, await makeClip(clips, 'repeated.mp4', { seconds: 1 }))
  const location = `${stack.url}/api/uploads/${id}`
  const { length } = await readFile(path.join(stack.dataDir, 'storage/sources', id))
  await Promise.all([1, 2, 3].map(() => patch(location, length, Buffer.alloc(0))))
  expect((await head(location)).headers.get('Upload-Offset')).toBe(String(length))
  await settled(stack, id)
  // Its offset is right and it appends nothing: as tus 1.0.0 has it, that is a success.
  const empty = await patch(location, length, Buffer.alloc(0))
  expect([empty.status, empty.headers.get('Upload-Offset')]).toEqual([204, String(length)])
  await head(location)
  expect(
    await stack.query(`select state from pgboss.job where name = 'first' and data ->> 'videoId' = $1`, [id]),
  ).toEqual([{ state: 'completed' }])
  const attempts = `select outcome from attempts where kind = 'first' and video_id = $1`
  expect(await stack.query(attempts, [id])).toEqual([{ outcome: 'won' }])
})

test('an upload whose source was removed after ready is still whole, and cannot be retried', async ({
  stack,
  clips,
}) => {
  const id = await upload(stack, await makeClip(clips, 'not-kept.mp4', { seconds: 1 }))
  const location = `${stack.url}/api/uploads/${id}`
  const { length } = await readFile(path.join(stack.dataDir, 'storage/sources', id))
  await settled(stack, id)
  // As the sweep does where KEEP_SOURCE says so.
  await rm(path.join(stack.dataDir, 'storage/sources', id))
  await stack.query('update videos set source_removed_at = now() where id = $1', [id])
  expect((await patch(location, length, Buffer.alloc(0))).status).toBe(204)
  const response = await head(location)
  expect([response.status, response.headers.get('Upload-Offset')]).toEqual([200, String(length)])
  const retried = await fetch(`${stack.url}/api/videos/${id}/retry`, { method: 'POST' })
  expect(retried.status).toBe(409)
  expect(await retried.json()).toMatchObject({ code: 'source_removed' })
  expect(await stack.video(id)).toMatchObject({ status: 'ready', playable: true })
})

test('a death between the last byte and the enqueue is healed by the next HEAD', async ({ stack, clips }) => {
  const bytes = await readFile(await makeClip(clips, 'healed.mp4', { seconds: 1 }))
  const { location } = await createUpload(stack, bytes.length, VIDEO)
  // As if the process had died after the write: the bytes are there, nobody was told.
  await writeFile(path.join(stack.dataDir, 'storage/sources', idOf(location)), bytes)
  expect(await stack.video(idOf(location))).toMatchObject({ status: 'uploading' })
  expect((await head(location)).headers.get('Upload-Offset')).toBe(String(bytes.length))
  expect(await settled(stack, idOf(location))).toMatchObject({ status: 'ready' })
})

test('an unfinished upload can be ended, and leaves nothing', async ({ stack }) => {
  const { location } = await createUpload(stack, 1000, VIDEO)
  await patch(location, 0, Buffer.alloc(10))
  const response = await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
  expect(response.status).toBe(204)
  expect((await head(location)).status).toBe(404)
  expect((await fetch(`${stack.url}/api/videos/${idOf(location)}`)).status).toBe(404)
  expect(await stored(stack, location)).toBe(null)
})

test('a finished upload is neither ended nor read through tus', async ({ stack, clips }) => {
  const id = await upload(stack, await makeClip(clips, 'kept.mp4', { seconds: 1 }))
  const location = `${stack.url}/api/uploads/${id}`
  expect((await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })).status).toBe(
    400,
  )
  expect((await fetch(location)).status).toBe(405)
  expect(await settled(stack, id)).toMatchObject({ status: 'ready' })
})

test('what is refused is refused with a code and a sentence', async ({ stack }) => {
  const refusals = [
    [413, 'too_large', 10 ** 13, VIDEO],
    [415, 'not_a_video', 10, { filename: 'notes.txt', filetype: 'text/plain' }],
    [415, 'not_a_video', 10, { filename: 'tool.exe', filetype: 'video/mp4' }],
    [415, 'not_a_video', 10, { filename: 'song.mp3', filetype: 'audio/mpeg' }],
  ] as const
  for (const [status, code, length, metadata] of refusals) {
    const { response } = await createUpload(stack, length, metadata)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ status, code, detail: expect.stringContaining(' ') })
  }
  expect(await stack.query('select id from videos where source_bytes = 10')).toEqual([])
})

test('a disk that fills up in mid-upload is said to be full, and the upload can go on later', async ({
  stack,
  clips,
}) => {
  const bytes = await readFile(await makeClip(clips, 'disk-full.mp4', { seconds: 1 }))
  const { location } = await createUpload(stack, bytes.length, VIDEO)
  const file = path.join(stack.dataDir, 'storage/sources', idOf(location))
  await rm(file)
  await symlink('/dev/full', file)
  const refused = await patch(location, 0, bytes)
  expect(refused.status).toBe(507)
  expect(await refused.json()).toMatchObject({ code: 'disk_full' })
  await rm(file)
  await writeFile(file, '')
  expect((await patch(location, 0, bytes)).status).toBe(204)
  expect(await settled(stack, idOf(location))).toMatchObject({ status: 'ready' })
})

const MISUSES: [title: string, method: string, headers: Record<string, string>, status: number][] = [
  ['no version', 'POST', { 'Upload-Length': '1' }, 412],
  ['another version', 'POST', { 'Tus-Resumable': '0.2.0', 'Upload-Length': '1' }, 412],
  ['a negative length', 'POST', { 'Tus-Resumable': '1.0.0', 'Upload-Length': '-1' }, 400],
  ['a length that is no number', 'POST', { 'Tus-Resumable': '1.0.0', 'Upload-Length': 'many' }, 400],
  ['no length', 'POST', { 'Tus-Resumable': '1.0.0' }, 400],
  ['a deferred length', 'POST', { 'Tus-Resumable': '1.0.0', 'Upload-Defer-Length': '1' }, 400],
  [
    'metadata that is no base64',
    'POST',
    { 'Tus-Resumable': '1.0.0', 'Upload-Length': '1', 'Upload-Metadata': 'filename *' },
    400,
  ],
]
for (const [title, method, headers, status] of MISUSES) {
  test(`an upload with ${title} is refused`, async ({ stack }) => {
    const response = await fetch(`${stack.url}/api/uploads`, { method, headers })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(response.status, await response.clone().text()).toBe(status)
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
    if (status === 412) expect(response.headers.get('Tus-Version')).toBe('1.0.0')
  })
}

test('a PATCH at the wrong offset, or longer than declared, changes nothing beyond the length', async ({
  stack,
}) => {
  const { location } = await createUpload(stack, 10, VIDEO)
  expect((await patch(location, 5, Buffer.alloc(5))).status).toBe(409)
  const longer = await patch(location, 0, Buffer.alloc(50))
  expect(longer.status).toBe(413)
  expect((await longer.json()).detail).toMatch(/^More bytes came than the 10 that were declared/)
  expect(await stored(stack, location)).toBeLessThanOrEqual(10)
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})

const PATCHES: [title: string, headers: Record<string, string>, status: number][] = [
  ['no offset', { 'Upload-Offset': '' }, 400],
  ['a negative offset', { 'Upload-Offset': '-1' }, 400],
  ['an offset that is no number', { 'Upload-Offset': 'NaN' }, 400],
  ['an offset beyond all numbers', { 'Upload-Offset': '9'.repeat(40) }, 400],
  ['an offset beyond the end', { 'Upload-Offset': '11' }, 409],
  ['another type', { 'Content-Type': 'text/html' }, 400],
  ['another version', { 'Tus-Resumable': '2.0.0' }, 412],
]
test('a PATCH that says something else than the protocol is refused, and changes nothing', async ({
  stack,
}) => {
  const { location } = await createUpload(stack, 10, VIDEO)
  await patch(location, 0, Buffer.alloc(4))
  for (const [title, headers, status] of PATCHES) {
    const response = await patch(location, 4, Buffer.alloc(1), headers)
    expect(response.status, `${title}: ${await response.clone().text()}`).toBe(status)
    expect(response.headers.get('Content-Type')).toBe('application/problem+json')
    expect(await stored(stack, location), title).toBe(4)
  }
  expect((await head(location)).headers.get('Upload-Offset')).toBe('4')
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})

test('metadata without an end are refused, or cut; no upload is made of nothing', async ({ stack }) => {
  const { response } = await createUpload(stack, 10, { ...VIDEO, title: 'x'.repeat(100_000) })
  expect(response.status).toBe(431)
  const { location } = await createUpload(stack, 10, { ...VIDEO, title: 'x'.repeat(10_000) })
  expect((await stack.video(idOf(location))).title).toHaveLength(200)
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})

test('of parallel PATCHes at one offset, bytes of one arrive, and each is told where it stands', async ({
  stack,
}) => {
  const bytes = ['a', 'b', 'c', 'd'].map(letter => Buffer.alloc(1_000_000, letter))
  const { location } = await createUpload(stack, 2_000_000, VIDEO)
  const responses = await Promise.all(bytes.map(each => patch(location, 0, each)))
  const statuses = responses.map(({ status }) => status)
  expect(statuses.filter(status => status === 204)).toHaveLength(1)
  for (const status of statuses) expect([204, 409, 423, 400, 500]).toContain(status)
  expect((await head(location)).headers.get('Upload-Offset')).toBe('1000000')
  const file = await readFile(path.join(stack.dataDir, 'storage/sources', idOf(location)))
  expect(bytes.filter(each => each.equals(file))).toHaveLength(1)
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})

test('a creation that fails frees the room it was promised at once', async ({ stack }) => {
  const open = () => stack.query('select video_id from uploads where finished_at is null')
  const before = await open()
  const sources = path.join(stack.dataDir, 'storage/sources')
  await rename(sources, `${sources}-away`)
  await writeFile(sources, 'no folder')
  const failed = await createUpload(stack, 1000, VIDEO)
  await rm(sources)
  await rename(`${sources}-away`, sources)
  expect(failed.response.status).toBe(500)
  expect(await failed.response.json()).toMatchObject({ code: 'internal' })
  expect(await open()).toEqual(before)

  const tooLong = await fetch(`${stack.url}/api/uploads`, {
    method: 'POST',
    headers: {
      ...{ 'Tus-Resumable': '1.0.0', 'Upload-Length': '10', 'Upload-Metadata': 'filename YS5tcDQ=' },
      'Content-Type': 'application/offset+octet-stream',
    },
    body: 'more than ten bytes',
  })
  expect(tooLong.status).toBe(413)
  expect((await tooLong.json()).detail).toMatch(/^More bytes came than the 10 /)
  expect(await open()).toEqual(before)
})

test('names and titles with control characters and NUL become harmless text', async ({ stack }) => {
  const { location } = await createUpload(stack, 10, {
    ...VIDEO,
    title: 'a\u0000b\u202ec\n<b>"'.padEnd(400, 'x'),
  })
  const { title } = await stack.video(idOf(location))
  expect(title).toMatch(/^a b c <b>"x+$/)
  expect(title).toHaveLength(200)
  await fetch(location, { method: 'DELETE', headers: { 'Tus-Resumable': '1.0.0' } })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function stored({ dataDir }: { dataDir: string }, location: string): Promise<number | null> {
  return stat(path.join(dataDir, 'storage/sources', idOf(location))).then(
    ({ size }) => size,
    () => null,
  )
}
