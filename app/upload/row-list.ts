// The list of uploads as React reads it: immutable, and telling whoever looks when it changes.
import { recallRows, type UploadRow } from '#app/upload/upload-row.ts'

export class RowList {
  #rows: readonly UploadRow[] = recallRows()
  readonly #listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly all = (): readonly UploadRow[] => this.#rows

  find(fileId: string): UploadRow | undefined {
    return this.#rows.find(row => row.fileId === fileId)
  }

  change(fileId: string, changes: Partial<UploadRow>): void {
    this.replace(this.#rows.map(row => (row.fileId === fileId ? { ...row, ...changes } : row)))
  }

  replace(rows: readonly UploadRow[]): void {
    this.#rows = rows
    for (const listener of this.#listeners) listener()
  }
}
