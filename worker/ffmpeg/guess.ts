// What ffprobe will say of an MP4 as phones write it, guessed from its index: work may begin meanwhile.
// Nothing is decided by it.
import { open } from 'node:fs/promises'
import { BmffError } from '#media/bmff-boxes.ts'
import { readAvcEntry, readSampleEntry } from '#media/bmff-codec.ts'
import {
  type Movie,
  type MovieTrack,
  readMoov,
  readMovie,
  readSampleEntries,
  readSampleTableBoxes,
} from '#media/movie.ts'
import { BT709 } from './colour.ts'
import type { Facts } from './facts.ts'

/** @returns null when it is not H.264, with AAC or silent @throws only what reading the file throws */
export async function guessFacts(file: string): Promise<Facts | null> {
  await using handle = await open(file)
  const moov = await readMoov(handle)
  try {
    return moov && guess(readMovie(moov))
  } catch (error) {
    if (error instanceof BmffError) return null
    throw error
  }
}

function guess({ tracks }: Movie): Facts | null {
  const [video, audio] = ['vide', 'soun'].map(kind => tracks.findIndex(({ handler }) => handler === kind))
  const picture = readEntry(tracks[video ?? -1])
  if (picture?.type !== 'avc1') return null
  const sound = readEntry(tracks[audio ?? -1])
  const format = sound && readSampleEntry(sound)
  const { width, height } = readAvcEntry(picture)
  const frameRate = { num: 30, den: 1 }
  const colour = BT709
  return {
    format: 'mov',
    durationSeconds: null,
    video: {
      ...{ index: video ?? 0, codec: 'h264', width, height, rotation: 0 },
      ...{ pixelFormat: 'yuv420p', colour, frameRate },
    },
    audio: format?.kind === 'audio' ? { index: audio ?? 0, codec: 'aac', channels: format.channels } : null,
  }
}

function readEntry(track: MovieTrack | undefined) {
  return track && readSampleEntries(readSampleTableBoxes(track))[0]
}
