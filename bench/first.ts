// What playing at once costs: CPU time of the worker for first rung and ladder beside the ladder alone,
// of a source that is cut as it is and of one that is encoded; and the most memory that either took.
import type { Bench, BenchContext } from './context.ts'
import { type Figure, medianRatio } from './figures.ts'
import { cpuSeconds, memoryOfTree } from './process-cpu.ts'
import { getSource, type SourceName } from './sources.ts'
import { addVideo, type Stack, startDatabase, startWorker, waitForStatus } from './stack.ts'

const LOOK_EVERY_MS = 100

const INPUTS: { source: SourceName; way: string; atMost: number }[] = [
  { source: 'H.264 30 s', way: 'cut as it is', atMost: 1.05 },
  { source: 'HEVC HLG 30 s', way: 'encoded', atMost: 1.25 },
]

interface Cost {
  cpu: number
  /** at its peak, of the worker and all that it runs */
  memory: number
}

export const bench: Bench = async context => {
  const files = new Map<SourceName, string>()
  for (const { source } of INPUTS) files.set(source, await getSource(context, source))
  const stack = await startDatabase(context)
  const worker = await startWorker(context, stack, { WORKER_CONCURRENCY: '1' })
  const figures: Figure[] = []
  for (const { source, way, atMost } of INPUTS) {
    const file = files.get(source) ?? ''
    const pairs: [both: Cost, ladder: Cost][] = []
    for (let round = 0; round < (context.quick ? 1 : 3); round += 1) {
      context.say(`${source}, round ${round + 1}`)
      const both = await costOf(context, stack, worker.pid, file, 'first')
      pairs.push([both, await costOf(context, stack, worker.pid, file, 'ladder')])
    }
    const seconds = pairs.map(([both, ladder]) => `${both.cpu.toFixed(1)} and ${ladder.cpu.toFixed(1)}`)
    context.say(`${source}: ${seconds.join(', ')} CPU s`)
    const ratio = medianRatio(pairs.map(([both, ladder]) => [both.cpu, ladder.cpu]))
    const peak = Math.max(...pairs.flat().map(({ memory }) => memory))
    figures.push(
      {
        figure: `${source} (${way}): CPU with first rung : without`,
        value: ratio,
        unit: '×',
        bound: { atMost },
      },
      { figure: `${source}: memory at its peak`, value: peak, unit: 'MB', bound: { atMost: 1200 } },
    )
  }
  return figures
}

async function costOf(
  context: BenchContext,
  stack: Stack,
  pid: number,
  file: string,
  work: 'first' | 'ladder',
): Promise<Cost> {
  const before = cpuSeconds(pid)
  let memory = 0
  const looking = setInterval(() => {
    memory = Math.max(memory, memoryOfTree(pid))
  }, LOOK_EVERY_MS)
  try {
    const id = await addVideo(stack, file, work)
    await waitForStatus(context, stack, [id], "status = 'ready'")
    return { cpu: cpuSeconds(pid) - before, memory }
  } finally {
    clearInterval(looking)
  }
}
