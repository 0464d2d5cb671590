// Changes single fields of an MP4, for clips that no encoder writes. The index must be behind the
// pictures (FFmpeg's default): what grows then moves nothing that is pointed at.
import { copyFile, readFile, writeFile } from 'node:fs/promises'

export type Patch = (file: Buffer) => Buffer

export async function patchMp4(source: string, target: string, patch: Patch): Promise<string> {
  await copyFile(source, target)
  await writeFile(target, patch(await readFile(source)))
  return target
}

/** A word at so many bytes behind the type of the first such box. */
export function setWord(type: string, at: number, value: number): Patch {
  return file => {
    file.writeUInt32BE(value >>> 0, locate(file, [type]) + 4 + at)
    return file
  }
}

/** Another box with its head in the place of one, named by its path; all boxes around it grow. */
export function replace(path: string[], change: (box: Buffer) => Buffer): Patch {
  return file => {
    const at = locate(file, path) - 4
    const end = at + file.readUInt32BE(at)
    const box = Buffer.from(change(Buffer.from(file.subarray(at, end))))
    for (const index of path.keys()) {
      const size = locate(file, path.slice(0, index + 1)) - 4
      file.writeUInt32BE(file.readUInt32BE(size) + box.length - (end - at), size)
    }
    box.writeUInt32BE(box.length)
    return Buffer.concat([file.subarray(0, at), box, file.subarray(end)])
  }
}

export function append(path: string[], bytes: Buffer): Patch {
  return replace(path, box => Buffer.concat([box, bytes]))
}

export function all(...patches: Patch[]): Patch {
  return file => patches.reduce((patched, patch) => patch(patched), file)
}

/** @returns where the type of the last box of the path is written */
export function locate(file: Buffer, path: string[]): number {
  return path.reduce((from, type) => {
    const at = file.indexOf(type, from)
    if (at < 0) throw new Error(`there is no ${type}`)
    return at
  }, 0)
}
