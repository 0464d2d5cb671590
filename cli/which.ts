// Finds a program on the PATH.
import { spawnSync } from 'node:child_process'

export function findOnPath(name: string): string | null {
  const { stdout } = spawnSync('sh', ['-c', 'command -v -- "$0"', name], { encoding: 'utf8' })
  return stdout.trim() || null
}
