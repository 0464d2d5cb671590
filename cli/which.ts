// Finds a program on the PATH.
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

export function findOnPath(name: string): string | null {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : ['']
  for (const folder of (process.env.PATH ?? '').split(path.delimiter).filter(Boolean)) {
    for (const ending of endings) {
      const file = path.resolve(folder, name + ending)
      if (isExecutable(file)) return file
    }
  }
  return null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    // Missing, or not for us: the next folder may have it.
    return false
  }
}
