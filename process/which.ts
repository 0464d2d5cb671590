// Finds a program on the PATH. By itself: a PATH without what it is looked for may have no shell either.
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

export function findOnPath(name: string): string | null {
  const files = (process.env.PATH ?? '').split(path.delimiter).map(folder => path.resolve(folder, name))
  return files.find(isProgram) ?? null
}

/** One that this user may run. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
