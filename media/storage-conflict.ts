/** The prefix holds something already: what is published is never changed. */
export class StorageConflict extends Error {
  override name = 'StorageConflict'
}
