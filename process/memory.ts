// How much memory is left for work, of the machine or of the control group that this process is in.
import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import path from 'node:path'

/**
 * In bytes. Node counts what a control group has read from files as used, though the kernel gives that
 * back when it is needed: without it, a container that has copied a large file seems full for ever.
 * @param root of the second version of control groups; the first one is taken as Node has it
 */
export function availableMemory(root = '/sys/fs/cgroup'): number {
  const limit = process.constrainedMemory()
  const available = process.availableMemory()
  return limit > 0 && limit < totalmem() ? available + fileCache(root) : available
}

function fileCache(root: string): number {
  try {
    const [, group = '/'] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
    const stat = readFileSync(path.join(root, group, 'memory.stat'), 'utf8')
    return Number(/^inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0)
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0
    throw error
  }
}
