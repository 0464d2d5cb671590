import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { ERRORS } from '@tus/utils'
import { expect, onTestFinished, test } from 'vitest'
import { requests } from '#app/requests.ts'
import { makeFolder } from '#test/worker.ts'
import { withoutBytes, writeBody } from './body.ts'

/** A server that does with its first request what is told, and a client that has sent `bytes` of it. */
async function receive(bytes: Buffer, declared: number) {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const headers = { 'Content-Length': declared }
  const client = request({ host: '127.0.0.1', port, method: 'PATCH', headers })
  client.on('error', () => {}) // some tests break the connection
  client.write(bytes)
  const [incoming] = (await once(server, 'request')) as [IncomingMessage]
  const file = path.join(await makeFolder(), 'body')
  return { client, incoming, file, read: () => readFile(file) }
}

async function write(incoming: IncomingMessage, file: string, given?: Readable): Promise<void> {
  const current = { id: 'r-1', incoming, hasEnded: false }
  await requests.run(current, async () => {
    const headers = { 'Content-Length': incoming.headers['content-length'] ?? '' }
    const { body } = withoutBytes(new Request('http://pgreel/', { method: 'PATCH', headers }))
    // @ts-expect-error the DOM's type of the same stream
    await writeBody(given ?? Readable.fromWeb(body), createWriteStream(file))
  })
}

test('a whole body is written as it came', async () => {
  const bytes = Buffer.from('as it came')
  const { client, incoming, file, read } = await receive(bytes, bytes.length)
  client.end()
  await write(incoming, file)
  expect(await read()).toEqual(bytes)
})

test('what is written does not wait in memory for a garbage collection', async () => {
  const bytes = randomBytes(1_000_000)
  const { client, incoming, file, read } = await receive(bytes, bytes.length)
  client.end()
  const written = write(incoming, file)
  const chunks: Buffer[] = []
  incoming.on('data', chunk => chunks.push(chunk))
  await written
  expect(await read()).toEqual(bytes)
  expect(chunks.length).toBeGreaterThan(1)
  expect(chunks.map(chunk => chunk.length)).toEqual(chunks.map(() => 0))
})

test('a connection that breaks keeps what arrived and is an aborted request', async () => {
  const { client, incoming, file, read } = await receive(Buffer.from('a part'), 100)
  const written = write(incoming, file)
  await expect.poll(() => incoming.socket.bytesRead).toBeGreaterThan(6)
  client.destroy()
  await expect(written).rejects.toBe(ERRORS.ABORTED)
  expect(String(await read())).toBe('a part')
})

test('a body that tus takes back ends at what arrived, and the connection can still be answered', async () => {
  const { incoming, file, read } = await receive(Buffer.from('a part'), 100)
  const given = new PassThrough()
  const written = write(incoming, file, given)
  await expect.poll(() => read().then(String, () => '')).toBe('a part')
  given.end()
  await written
  expect(incoming.destroyed).toBe(false)
})

test('a file that cannot be written is told as it is', async () => {
  const { incoming, file } = await receive(Buffer.from('a part'), 100)
  await expect(write(incoming, path.join(file, 'below a file'))).rejects.toMatchObject({ code: 'ENOENT' })
})
