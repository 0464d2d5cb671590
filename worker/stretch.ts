// Some of a stored stream as one file, for FFmpeg to read.
import type { AttemptContext } from './attempt.ts'
import { WorldError } from './errors.ts'
import { INIT_SEGMENT } from './ffmpeg/args.ts'
import { createScratch } from './scratch-files.ts'

/**
 * @param folder storage key of the stream's
 * @param uris of the segments, in order; a fragmented MP4 may have gaps
 * @param file a new one, in scratch or a folder there
 */
export async function fetchStretch(
  { storage, scratch, signal }: AttemptContext,
  folder: string,
  uris: string[],
  file: string,
): Promise<void> {
  await using handle = await createScratch(scratch, file)
  for (const name of [INIT_SEGMENT, ...uris]) {
    const stored = await storage.open(`${folder}/${name}`, { signal })
    if (!stored) throw new WorldError('rung_missing', `${folder}/${name} is not in the storage.`)
    await handle.writeFile(stored.stream)
  }
}
