// What stands in a poster's place until that is there: the same picture in a few pixels, as a data: URI that
// pages have in their HTML. FFmpeg writes it beside the poster.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { PLACEHOLDER } from './ffmpeg/args.ts'
import { readScratchIfThere } from './scratch-files.ts'

// Of 600 bytes: pictures have 200 to 350, random pixels 583.
const MAX_CHARACTERS = 800

/** Takes it out of scratch, so that it is not stored beside the poster. Null where there is none. */
export async function takePlaceholder(scratch: string): Promise<string | null> {
  const picture = (await readScratchIfThere(scratch, PLACEHOLDER))?.toString('base64')
  await rm(path.join(scratch, PLACEHOLDER), { force: true })
  if (!picture || picture.length > MAX_CHARACTERS) return null
  return `data:image/jpeg;base64,${picture}`
}
