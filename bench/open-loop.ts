// Requests that come when they come, however slow the answers are: arrivals by schedule, and each
// latency counted from the moment its request was due. A client that waits for an answer before it
// asks again would hide exactly the moments when the server stalls.
import { Agent, request } from 'node:http'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { percentile } from './figures.ts'

/** Timers fire up to this late: the rest of a wait is spent asking for the time. */
const TIMER_MS = 1

interface Load {
  /** the address of the nth request */
  url: (index: number) => string
  /** what a good answer is; any other ends the bench */
  status: number
  perSecond: number
  seconds: number
  signal: AbortSignal
}

/** @returns milliseconds from when each request was due to the last byte of its answer */
export async function openLoop({ url, status, perSecond, seconds, signal }: Load): Promise<number[]> {
  // Node's servers end a connection that was idle for 5 s: it must not be used at that very moment.
  using agent = disposable(new Agent({ keepAlive: true, maxSockets: 256, timeout: 4000 }))
  const answers: Promise<number>[] = []
  const start = performance.now() + 20
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = start + (index * 1000) / perSecond
    const wait = due - performance.now() - TIMER_MS
    if (wait > 0) await delay(wait, undefined, { signal })
    while (performance.now() < due) await turn()
    signal.throwIfAborted()
    const answer = get(url(index), status, agent).then(() => performance.now() - due)
    answer.catch(() => {}) // awaited with all others below
    answers.push(answer)
  }
  return await Promise.all(answers)
}

function get(url: string, status: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    // As a browser asks; the answer is read, not unpacked: that is not the server's time.
    const options = { agent, headers: { 'Accept-Encoding': 'gzip' } }
    const sent = request(url, options, response => {
      response.once('error', reject).once('end', resolve).resume()
      if (response.statusCode !== status) reject(new Error(`${url} answered ${response.statusCode}`))
    })
    sent.once('error', reject).end()
  })
}

function disposable(agent: Agent): Agent & Disposable {
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() })
}

interface Comparison {
  /** measured in turn: base, other, base, other … */
  base: () => Promise<number[]>
  other: () => Promise<number[]>
  pairs: number
  share: number
}

/** @returns a percentile of each side over all turns, and the median of the ratios of each pair */
export async function comparePercentiles({ base, other, pairs, share }: Comparison) {
  const turns: { base: number[]; other: number[] }[] = []
  for (let pair = 0; pair < pairs; pair += 1) turns.push({ base: await base(), other: await other() })
  const of = (side: 'base' | 'other') =>
    percentile(
      turns.flatMap(values => values[side]),
      share,
    )
  const ratios = turns.map(values => percentile(values.other, share) / percentile(values.base, share))
  return { base: of('base'), other: of('other'), ratio: percentile(ratios, 0.5) }
}
