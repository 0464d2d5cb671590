// What uploads are compared with: @tus/server as its README shows it, on node:http. Run by
// bench/upload.ts in a process of its own; ends with it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const [, , directory = ''] = process.argv
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }), relativeLocation: true })
const server = createServer((request, response) => void tus.handle(request, response))
process.once('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/files` })
})
