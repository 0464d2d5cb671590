// Finding a port that nothing listens on.
import { createServer } from 'node:net'

/** @param port 0 lets the system choose */
export async function isFree(port: number, host: string): Promise<boolean> {
  return (await listen(port, host)) !== null
}

/** A free port chosen by the system. */
export async function anyFreePort(host: string): Promise<number> {
  const port = await listen(0, host)
  if (port === null) throw new Error(`No free port on ${host}`)
  return port
}

/** The first free one from `port` on. */
export async function nextFreePort(port: number, host: string): Promise<number> {
  for (let next = port; next <= 65_535; next += 1) if (await isFree(next, host)) return next
  throw new Error(`No free port from ${port} on`)
}

function listen(port: number, host: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      // EACCES: below 1024 and not root.
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null)
      else reject(error)
    })
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(address && typeof address === 'object' ? address.port : port))
    })
  })
}
