// A source's texts → captions. The source may be gone by now; what is not made here costs nothing else.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { NewRendition } from '#db/publish.ts'
import type { VideoRow } from '#db/schema.ts'
import { attemptKey } from '#media/keys.ts'
import { readSrt } from '#media/srt.ts'
import { captionsVtt } from '#media/webvtt.ts'
import type { AttemptContext } from './attempt.ts'
import { captionsCommand, srtOf } from './ffmpeg/args.ts'
import { knownFacts } from './ffmpeg/facts.ts'
import { FfmpegFailed, runFfmpeg } from './ffmpeg/run.ts'
import type { CaptionTrack } from './ffmpeg/subtitles.ts'
import { fileRendition } from './publication.ts'
import { readScratchIfThere } from './scratch-files.ts'

/** @param made the folder of what is published */
export async function makeCaptions(
  context: AttemptContext,
  { facts, source_key }: VideoRow,
  made: string,
): Promise<NewRendition[]> {
  const { storage, scratch, log } = context
  const tracks = knownFacts(facts)?.captions ?? []
  if (tracks.length === 0) return []
  if (!(await storage.stat(source_key))) {
    log.info('no captions: the source was removed')
    return []
  }
  await readTexts(context, storage.localPath(source_key), tracks)
  await mkdir(path.join(made, 'captions'))
  const renditions: NewRendition[] = []
  for (const [place, track] of tracks.entries()) {
    const srt = await readScratchIfThere(scratch, srtOf(place))
    const vtt = captionsVtt(readSrt(srt?.toString() ?? ''))
    if (vtt !== null) renditions.push(await keep(context, made, { ...track, place, vtt }))
  }
  return renditions
}

/** All in one pass; where one of them ends it, each in its own, and that one stays away. */
async function readTexts(context: AttemptContext, source: string, tracks: CaptionTrack[]): Promise<void> {
  const { scratch, log } = context
  const read = (places: Map<number, CaptionTrack>) =>
    runFfmpeg(captionsCommand(source, scratch, places), context)
  const all = [...tracks.entries()]
  try {
    await read(new Map(all))
  } catch (error) {
    if (!(error instanceof FfmpegFailed)) throw error
    for (const [place, track] of all) {
      await rm(path.join(scratch, srtOf(place)), { force: true })
      await read(new Map([[place, track]])).catch(failed => {
        if (!(failed instanceof FfmpegFailed)) throw failed
        log.warn({ err: failed, captions: track.label }, 'captions left out: their text cannot be read')
      })
    }
  }
}

async function keep(
  { attempt: { videoId, token } }: AttemptContext,
  made: string,
  { place, vtt, language, label }: CaptionTrack & { place: number; vtt: string },
): Promise<NewRendition> {
  // In the order of the source, also when they are sorted.
  const name = `captions/${String(place).padStart(2, '0')}.vtt`
  await writeFile(path.join(made, name), vtt)
  const rendition = fileRendition('captions', attemptKey(videoId, token, name), Buffer.byteLength(vtt))
  return { ...rendition, language, label }
}
