// Which streams of a source can become captions, and what they are called. Pure.
import { z } from 'zod'
import { distinct, languageName } from '#media/labels.ts'

// Text; pictures of letters are not among them.
const TEXT_CODECS = ['mov_text', 'subrip', 'srt', 'ass', 'ssa', 'webvtt', 'text']
const MAX_TRACKS = 32
const MAX_LABEL = 60

export const captionTrackSchema = z.object({
  index: z.number(),
  /** BCP 47; null where the source does not say */
  language: z.string().nullable(),
  /** what people choose by: never empty, and no two are alike */
  label: z.string(),
})
export type CaptionTrack = z.output<typeof captionTrackSchema>

interface Stream {
  index: number
  codec_type?: string | undefined
  codec_name?: string | undefined
  tags?: { language?: string | undefined; title?: string | undefined } | undefined
}

export function captionTracks(streams: Stream[]): CaptionTrack[] {
  const taken = new Set<string>()
  return streams
    .filter(
      ({ codec_type, codec_name }) => codec_type === 'subtitle' && TEXT_CODECS.includes(codec_name ?? ''),
    )
    .slice(0, MAX_TRACKS)
    .map(({ index, tags }) => {
      const language = languageOf(tags?.language)
      const name = cleanLabel(tags?.title) || (language && languageName(language)) || 'Captions'
      return { index, language, label: distinct(name, taken) }
    })
}

/** Containers have three letters (ISO 639-2, either kind) or BCP 47, and some have nonsense. */
function languageOf(tag: string | undefined): string | null {
  try {
    // Without extensions, such as a calendar, of which the names of languages know nothing.
    const { baseName } = new Intl.Locale(tag?.replaceAll('_', '-') ?? 'und')
    return baseName === 'und' || baseName.length > MAX_LABEL ? null : baseName
  } catch (error) {
    if (error instanceof RangeError) return null // no language tag
    throw error
  }
}

/** No control, formatting or unassigned character: it stands in a list that is ours. */
function cleanLabel(title: string | undefined): string {
  const line = (title ?? '').replace(/\p{C}/gu, ' ').replace(/\s+/g, ' ').trim()
  return Array.from(line).slice(0, MAX_LABEL).join('').trim()
}
