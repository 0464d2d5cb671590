// What stands in a poster's place until that is there: the same picture in a few pixels, as a data: URI that
// pages have in their HTML. FFmpeg writes it beside the poster.
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { readIfThere } from '#media/disk-files.ts'
import { PLACEHOLDER } from './ffmpeg/args.ts'

// Of 600 bytes: pictures have 200 to 350, random pixels 583.
const MAX_CHARACTERS = 800

/** Takes it out of scratch, so that it is not stored beside the poster. Null where there is none. */
export async function takePlaceholder(scratch: string): Promise<string | null> {
  const file = path.join(scratch, PLACEHOLDER)
  const picture = await readIfThere(file, 'base64')
  await rm(file, { force: true })
  if (!picture || picture.length > MAX_CHARACTERS) return null
  return `data:image/jpeg;base64,${picture}`
}
