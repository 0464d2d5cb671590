// What processes cost: CPU time and memory, from Linux's /proc. CPU time says more than the clock on
// a machine that others use too.
import { readdirSync, readFileSync } from 'node:fs'

/** The kernel's unit in /proc/<pid>/stat, 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

interface Row {
  pid: number
  parent: number
  command: string
  /** of itself and of the children it has waited for, user and system */
  ticks: number
  /** of the children it has waited for */
  childTicks: number
  residentBytes: number
}

/** CPU seconds of a process and of every process below it, living or ended. */
export function cpuSeconds(pid: number): number {
  return tree(pid).reduce((sum, row) => sum + row.ticks, 0) / TICKS_PER_SECOND
}

/** Memory of a process and of every process below it, in MB; what they share counts for each. */
export function memoryOfTree(pid: number): number {
  return tree(pid).reduce((sum, row) => sum + row.residentBytes, 0) / 1e6
}

/** CPU seconds of those of our children that have ended. */
export function cpuSecondsOfEnded(): number {
  return (readRow(process.pid)?.childTicks ?? 0) / TICKS_PER_SECOND
}

/** Ids of the processes below one whose program is called so. */
export function below(pid: number, command: string): number[] {
  return tree(pid).flatMap(row => (row.command === command && row.pid !== pid ? [row.pid] : []))
}

/** Memory of one process, in MB: now, and the most it ever had. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { now: field('VmRSS') / 1e6, peak: field('VmHWM') / 1e6 }
}

function tree(pid: number): Row[] {
  const all = readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? (readRow(Number(name)) ?? []) : []))
  const found = all.filter(row => row.pid === pid)
  // Grows while it is walked: children of children.
  for (const { pid: parent } of found) found.push(...all.filter(row => row.parent === parent))
  return found
}

function readRow(pid: number): Row | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    // It ended while we looked; its parent has its time now, or will.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
  // man 5 proc: pid (command) state ppid …; utime, stime, cutime and cstime are fields 14 to 17, rss is 24.
  const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = (first: number, last: number) =>
    fields.slice(first - 3, last - 2).reduce((sum, field) => sum + Number(field), 0)
  return {
    ...{ pid, parent: Number(fields[1]), command, residentBytes: Number(fields[21]) * PAGE_BYTES },
    ...{ ticks: ticks(14, 17), childTicks: ticks(16, 17) },
  }
}
