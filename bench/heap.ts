// How much a page holds in JavaScript, of what is its own doing.
import type { CDPSession } from 'playwright'

interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[], ...unknown[]] } }
  nodes: number[]
}

/** The engine compiles for as long as a page lives, and DevTools notes each request: neither is the page's. */
const NOT_THE_PAGES = ['code', 'native']

/** @returns bytes that are held, without what may be collected */
export async function heldBytes(cdp: CDPSession): Promise<number> {
  const chunks: string[] = []
  const keep = ({ chunk }: { chunk: string }) => void chunks.push(chunk)
  cdp.on('HeapProfiler.addHeapSnapshotChunk', keep)
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  cdp.off('HeapProfiler.addHeapSnapshotChunk', keep)
  const { snapshot, nodes }: Snapshot = JSON.parse(chunks.join(''))
  const { node_fields, node_types } = snapshot.meta
  const [type, size] = [node_fields.indexOf('type'), node_fields.indexOf('self_size')]
  const others = NOT_THE_PAGES.map(name => node_types[0].indexOf(name))
  let bytes = 0
  for (let node = 0; node < nodes.length; node += node_fields.length) {
    if (!others.includes(nodes[node + type] ?? 0)) bytes += nodes[node + size] ?? 0
  }
  return bytes
}
