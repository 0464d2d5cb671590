// Asks ffprobe what is in a source: one run, whose answer facts.ts reads.
import { stat } from 'node:fs/promises'
import { VideoError, WorldError } from '../errors.ts'
import { isEncryptedMp4 } from './encryption.ts'
import { encrypted, type Facts, MAX_STREAMS, readFacts, tooManyStreams } from './facts.ts'
import { type Answer, askFfprobe, FfprobeFailed, FfprobeTooLoud } from './ffprobe.ts'
import { MAX_PIXELS, tooManyPixels } from './plan.ts'
import { isToolBroken } from './run.ts'

// Demuxers that may read an upload. Not among them: hls, concat, sdp, image sequences and whatever
// else names further files or hosts to open. The audio ones are here to say "only sound" of them.
const DEMUXERS = [
  ...[
    'mov',
    'matroska',
    'webm',
    'avi',
    'flv',
    'mpegts',
    'mpeg',
    'asf',
    'ogg',
    'mxf',
    'gif',
    'ivf',
    'dv',
    'rm',
  ],
  ...['mp3', 'wav', 'aac', 'flac', 'aiff'],
].join(',')

/** Before every input that a stranger sent. */
export const HOSTILE_INPUT = ['-protocol_whitelist', 'file', '-format_whitelist', DEMUXERS]

const PROBE_WITHIN_MS = 120_000
/** A code of WorldError. */
export const PROBE_DIED = 'ffprobe_died'

/** @throws VideoError when this cannot become a video */
export async function probe(file: string, signal: AbortSignal): Promise<Facts> {
  const { size } = await stat(file)
  if (size === 0)
    throw new VideoError('empty_file', 'The file is empty. Choose the video again and upload it.')
  const { said, stderr } = await ffprobe(file, signal)
  if (await isEncryptedMp4(file)) throw encrypted()
  try {
    return readFacts(said, size)
  } catch (error) {
    throw tooLargeToDecode(stderr) ?? error
  }
}

// What is said of a stream, and of the texts in it those two; of the file no text at all.
const ASKED = [
  '-show_format',
  '-show_streams',
  '-show_entries',
  'format_tags=none:stream_tags=language,title,DURATION',
]

async function ffprobe(file: string, signal: AbortSignal): Promise<Answer> {
  // A storage that hangs may not even let it be killed.
  const stop = AbortSignal.any([signal, AbortSignal.timeout(PROBE_WITHIN_MS)])
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () =>
      reject(
        signal.aborted ? signal.reason : new WorldError('probe_hung', 'Reading the file took too long.'),
      ),
    )
  })
  const limits = ['-max_streams', String(MAX_STREAMS), '-max_pixels', String(MAX_PIXELS)]
  const args = ['-v', 'error', ...ASKED, ...HOSTILE_INPUT, ...limits, file]
  try {
    return await Promise.race([askFfprobe(args, stop), stopped])
  } catch (error) {
    if (stop.aborted) return await stopped
    throw judge(error)
  }
}

/** Only ffprobe's own verdict is about the file. */
function judge(error: unknown): Error {
  if (error instanceof FfprobeTooLoud) {
    return new VideoError(
      'too_much_metadata',
      'The file has more to say about itself than 4 MB, which no video needs. Export the video again and upload that.',
      { cause: error },
    )
  }
  if (error instanceof FfprobeFailed) {
    if (/max_streams parameter/.test(error.stderr)) return tooManyStreams(error)
    const isVerdict = error.isOutOfTime || (error.status === 1 && !isToolBroken(error.stderr))
    if (isVerdict) return tooLargeToDecode(error.stderr) ?? unreadable(error.stderr, error)
    // A broken file may ask for more than there is.
    if (error.hasDied || /^\S.*: Cannot allocate memory$/m.test(error.stderr))
      return new WorldError(PROBE_DIED, 'ffprobe died, or found no memory.', { cause: error })
  }
  return new WorldError('ffprobe_broken', 'ffprobe could not be run.', { cause: error })
}

/** It looks at a picture of what containers say little of: one that is too large it does not decode. */
function tooLargeToDecode(stderr: string): VideoError | null {
  const [, width, height] = /^\[.*Picture size (\d+)x(\d+) exceeds specified max/m.exec(stderr) ?? []
  return width && height ? tooManyPixels(Number(width), Number(height)) : null
}

/** Once may be the machine's fault: what to say of a file that ffprobe has died of again. */
export function killsFfprobe(cause: unknown): VideoError {
  return unreadable('', cause)
}

function unreadable(message: string, cause: unknown): VideoError {
  if (/encryption info|Incorrect number of (samples|IV)|DRM/i.test(message)) {
    return encrypted()
  }
  if (/moov atom not found|EBML header parsing failed|truncat|End of file|partial file/i.test(message)) {
    return new VideoError(
      'damaged',
      'The file is damaged or incomplete: its index is missing. Export the video again and upload that.',
      { cause },
    )
  }
  return new VideoError(
    'not_a_video',
    'This is not a video that can be read. Upload an MP4, MOV, WebM, MKV or AVI file.',
    { cause },
  )
}
