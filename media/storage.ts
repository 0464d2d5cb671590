// What the rest of pgreel may ask of the place that holds the bytes. Must not know: videos, jobs
// or HTTP. media/disk.ts is the implementation; media/storage.contract.test.ts holds for every one.
import { openDiskStorage } from '#media/disk.ts'

/** Bytes `start` to `end`, both included and from 0, as in HTTP (RFC 9110 §14.1.2). */
export interface ByteRange {
  start: number
  end: number
}

export interface StoredFile {
  key: string
  sizeBytes: number
  modifiedAt: Date
  /** strong and quoted (RFC 9110 §8.8.3); equal on every machine that serves this storage */
  etag: string
}

export interface OpenFile extends StoredFile {
  /**
   * The bytes of the range asked for, read as they are consumed. Read it to its end or cancel it:
   * until then, or until `signal` fires, it holds a file descriptor.
   */
  stream: ReadableStream<Uint8Array<ArrayBuffer>>
}

export interface Storage {
  /** Where tus writes uploads: `<sourcesDir>/<videoId>` is what `sources/<videoId>` names. */
  readonly sourcesDir: string

  /**
   * Publishes a finished folder under a prefix in one step: readers see nothing or everything, and
   * once it resolves a power cut loses nothing. The folder belongs to the storage afterwards.
   * @throws StorageConflict when the prefix exists
   */
  putTree(dir: string, prefix: string): Promise<void>

  /**
   * Publishes finished files one by one, each by a rename; once it resolves a power cut loses none.
   * They belong to the storage afterwards. @throws StorageConflict when a key is taken
   */
  putFiles(files: readonly { file: string; key: string }[]): Promise<void>

  /** @returns null where there is no regular file under exactly this key, whatever the key is */
  stat(key: string): Promise<StoredFile | null>

  /** @throws RangeError when the range is not within the file */
  open(key: string, options?: { range?: ByteRange; signal?: AbortSignal }): Promise<OpenFile | null>

  /** Every file below a prefix, in no order. What disappears meanwhile is left out. */
  list(prefix: string): AsyncIterable<StoredFile>

  /**
   * Removes a file or everything below a prefix; fine when there is none. It is gone for readers at
   * once; a crash before the space is free leaves only what `emptyTrash` removes.
   */
  remove(prefix: string): Promise<void>
  /** As `remove`, and as quick for much as for little: the space is free after `emptyTrash`. */
  discard(prefix: string): Promise<void>
  emptyTrash(): Promise<void>

  /** Takes a file, or everything below a prefix, away from readers, but keeps it under its key for a while. */
  quarantine(prefix: string): Promise<void>
  /** Removes what has been in quarantine since an earlier day than this, UTC. */
  emptyQuarantine(before: Date): Promise<void>

  /** A path that FFmpeg can read. Only for reading. */
  localPath(key: string): string

  /** Returns once the file and its name would survive a power cut. */
  sync(key: string): Promise<void>

  /**
   * The uuid of this storage, made on first use. Processes that see the same one see the same
   * files: the database holds it too, and a worker compares the two before it takes a job.
   */
  identity(): Promise<string>

  /** What this process may still write. */
  freeBytes(): Promise<number>
}

/** Makes the folders it needs. Today a folder on local disk (or a mounted share). */
export function openStorage(root: string): Promise<Storage> {
  return openDiskStorage(root)
}
